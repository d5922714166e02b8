import type { Context } from '../context.ts';
import { tellDaemon } from '../daemon-facts.ts';
import { connectOrStart } from '../reach-daemon.ts';
import { durationOption } from '../read-options.ts';

export async function run(context: Context): Promise<number> {
  await using client = await connectOrStart(context, durationOption(context, 'timeout') ?? undefined);
  await tellDaemon(context, client);
  return 0;
}
