import type { OfflineVerb, OperationCall } from '../operations/operation-types.ts';
import type { Caller } from '../operations/stop/end-manual.ts';
import type { Context } from './context.ts';
import { pathsOf } from './daemon/reach-daemon.ts';
import { actor } from './project/actor.ts';

/** This command, as the one that asks for an operation. */
export function callerOf(context: Context): Caller {
  return { paths: pathsOf(context), environment: context.io.env, pid: process.pid };
}

/** A call of an operation by this command. */
export function ask<V extends OfflineVerb>(
  push: OperationCall<V>['push'] = () => {},
  signal: AbortSignal = new AbortController().signal,
): OperationCall<V> {
  return { push, signal, requester: actor() };
}
