import { type Context, say } from '../context.ts';
import { pathsOf } from '../daemon/reach-daemon.ts';

export async function run(context: Context): Promise<number> {
  const { home } = pathsOf(context);
  say(context, `the daemon of ${home}, in the foreground; Ctrl-C stops it, services keep running`);
  return context.io.becomeDaemon(home);
}
