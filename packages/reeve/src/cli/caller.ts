import type { Caller } from '../operations/stop/end-manual.ts';
import type { Context } from './context.ts';
import { pathsOf } from './daemon/reach-daemon.ts';

/** This command, as the one that asks for an operation. */
export function callerOf(context: Context): Caller {
  return { paths: pathsOf(context), environment: context.io.env, pid: process.pid };
}
