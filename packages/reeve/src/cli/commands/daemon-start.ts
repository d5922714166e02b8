import { durationOption } from '../command-line/read-options.ts';
import type { Context } from '../context.ts';
import { connectOrStart, daemonView } from '../daemon/reach-daemon.ts';
import { tellDaemon } from '../show/daemon-facts.ts';

export async function run(context: Context): Promise<number> {
  await using client = await connectOrStart(context, durationOption(context, 'timeout') ?? undefined);
  await tellDaemon(context, client, daemonView(client));
  return 0;
}
