import type { Context } from '../context.ts';
import { connectIfRunning } from '../daemon/reach-daemon.ts';
import { tellDaemon } from '../show/daemon-facts.ts';

export async function run(context: Context): Promise<number> {
  await using client = await connectIfRunning(context);
  await tellDaemon(context, client);
  return client ? 0 : 3;
}
