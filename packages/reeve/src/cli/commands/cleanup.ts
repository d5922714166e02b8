import { ReeveError } from '@reeve/contract';
import { cleanEverything } from '../clean-everything.ts';
import { cleanLines } from '../clean-text.ts';
import { type Context, has, printJson, say } from '../context.ts';
import { durationOption } from '../read-options.ts';
import { connectToStop } from '../stop-services.ts';

export async function run(context: Context): Promise<number> {
  if (!has(context, 'all')) {
    const message = 'cleanup stops and cleans up everything of this home: it wants --all';
    throw new ReeveError('USAGE', { message, hint: 'reeve cleanup --all; of one project: reeve stop' });
  }
  await using client = await connectToStop(context);
  const wish = { timeout: durationOption(context, 'timeout'), force: has(context, 'force') };
  const { rows } = await cleanEverything(context, client, wish);
  const isWell = rows.every(({ ok }) => ok);
  if (context.json) printJson(context, { status: isWell ? 'COMPLETE' : 'INCOMPLETE', cleanups: rows });
  else if (rows.length === 0) say(context, 'nothing is managed here: nothing to clean up');
  else context.io.out.write(cleanLines(rows, context.style));
  return isWell ? 0 : 6;
}
