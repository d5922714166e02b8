import { actor } from '../actor.ts';
import { type Context, has } from '../context.ts';
import { startKnown } from '../start-known.ts';

export async function run(context: Context): Promise<number> {
  const force = has(context, 'force');
  return startKnown(context, (client, project, services) =>
    client.call('restart', { project, services, timeout: null, force, actor: actor() }),
  );
}
