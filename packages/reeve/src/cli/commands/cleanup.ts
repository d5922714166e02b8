import { ReeveError } from '@reeve/contract';
import { cleanEverything } from '../clean-everything.ts';
import { cleanNamed } from '../clean-named.ts';
import { durationOption, selection } from '../command-line/read-options.ts';
import { type Context, has, printJson, say } from '../context.ts';
import { cleanLines } from '../show/clean-text.ts';
import { connectToStop } from '../stop-services.ts';

export async function run(context: Context): Promise<number> {
  const words = selection(context.args.positionals);
  if (has(context, 'all') === words.length > 0) {
    const message = 'cleanup needs service names, or --all for everything in this home';
    throw new ReeveError('USAGE', { message, hint: 'reeve cleanup --all' });
  }
  await using client = await connectToStop(context);
  const wish = { timeout: durationOption(context, 'timeout'), force: has(context, 'force') };
  const rows =
    words.length > 0
      ? await cleanNamed(context, client, words, wish)
      : (await cleanEverything(context, client, wish)).rows;
  const isWell = rows.every(({ ok }) => ok);
  if (context.json) printJson(context, { status: isWell ? 'COMPLETE' : 'INCOMPLETE', cleanups: rows });
  else if (rows.length === 0) say(context, 'nothing is managed here, so there is nothing to clean up');
  else context.io.out.write(cleanLines(rows, context.style));
  return isWell ? 0 : 6;
}
