import { completionScript, type Shell } from '../command-line/completion-scripts.ts';
import type { Context } from '../context.ts';

export async function run(context: Context): Promise<number> {
  context.io.out.write(completionScript(context.args.positionals[0] as Shell));
  return 0;
}
