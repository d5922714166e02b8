import type { Context } from '../context.ts';
import { connectToRead } from '../daemon/reach-daemon.ts';
import { tellDaemon } from '../show/daemon-facts.ts';

export async function run(context: Context): Promise<number> {
  await using reading = await connectToRead(context);
  const { client, daemon } = reading;
  await tellDaemon(context, client, daemon);
  if (client) return 0;
  return daemon.running ? 9 : 3;
}
