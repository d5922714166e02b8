import type { Context } from '../context.ts';
import { tellDaemon } from '../daemon-facts.ts';
import { connectIfRunning } from '../reach-daemon.ts';

export async function run(context: Context): Promise<number> {
  await using client = await connectIfRunning(context);
  await tellDaemon(context, client);
  return client ? 0 : 3;
}
