import { ReeveError } from '@reeve/contract';
import { selection } from '../command-line/read-options.ts';
import { type Context, has } from '../context.ts';
import { longCall } from '../daemon/long-call.ts';
import { weightiest } from '../exit-code.ts';
import { actor } from '../project/actor.ts';
import { restartEverything } from '../restart-everything.ts';
import { namedManagers, restartManagers } from '../restart-managers.ts';
import { startKnown } from '../start-known.ts';

export async function run(context: Context): Promise<number> {
  const words = selection(context.args.positionals);
  if (has(context, 'all')) {
    if (words.length === 0) return restartEverything(context);
    throw new ReeveError('USAGE', { message: '--all and the service names cannot be combined' });
  }
  const managers = await namedManagers(context, words);
  const own = new Set(managers.map(({ card }) => card.service.toLowerCase()));
  const rest = words.filter((word) => !own.has(word.toLowerCase()));
  const codes = managers.length > 0 ? [await restartManagers(context, managers)] : [];
  if (managers.length === 0 || rest.length > 0) codes.push(await restartKnown(context, rest));
  return weightiest(codes);
}

function restartKnown(context: Context, words: readonly string[]): Promise<number> {
  const force = has(context, 'force');
  const args = { ...context.args, positionals: words };
  return startKnown({ ...context, args }, (client, project, services) =>
    longCall(client, 'restart', { project, services, timeout: null, force, actor: actor() }),
  );
}
