import { filterEnvironment } from '../../core/spec/environment.ts';
import type { Context } from '../context.ts';
import { longCall } from '../daemon/long-call.ts';
import { actor } from '../project/actor.ts';
import { startKnown } from '../start-known.ts';

export async function run(context: Context): Promise<number> {
  const environment = filterEnvironment(context.io.env);
  return startKnown(context, (client, project, services) =>
    longCall(client, 'start', { project, services, environment, actor: actor() }),
  );
}
