import { filterEnvironment } from '../../core/environment.ts';
import { actor } from '../actor.ts';
import type { Context } from '../context.ts';
import { startKnown } from '../start-known.ts';

export async function run(context: Context): Promise<number> {
  const environment = filterEnvironment(context.io.env);
  return startKnown(context, (client, project, services) =>
    client.call('start', { project, services, environment, actor: actor() }),
  );
}
