import { CONTROL_PROTOCOL } from '@reeve/contract';
import { REEVE_VERSION } from '../../base/version.ts';
import { type Context, printJson } from '../context.ts';

export async function run(context: Context): Promise<number> {
  const platform = `${process.platform} ${process.arch}`;
  if (context.json) {
    printJson(context, { version: REEVE_VERSION, node: process.version, platform, control_protocol: CONTROL_PROTOCOL });
  } else
    context.io.out.write(`reeve ${REEVE_VERSION}${context.verbose ? ` (node ${process.version}, ${platform})` : ''}\n`);
  return 0;
}
