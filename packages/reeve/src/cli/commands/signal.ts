import { constants } from 'node:os';
import { ReeveError } from '@reeve/contract';
import { nearestName } from '../../core/spec/nearest-name.ts';
import { askKnown, notRunning } from '../ask-known.ts';
import { selection } from '../command-line/read-options.ts';
import { type Context, printJson } from '../context.ts';
import { actor } from '../project/actor.ts';
import { findProject, refOf } from '../project/find-project.ts';

export async function run(context: Context): Promise<number> {
  const [wanted = '', service = ''] = context.args.positionals;
  selection([service]);
  const signal = signalName(wanted);
  const target = await findProject(context);
  const params = { project: refOf(target), service, signal, actor: actor() };
  const sent = await askKnown(context, target, (client) => client.call('signal', params));
  if (sent === null) throw await notRunning(context, target, service);
  const { pid } = sent;
  if (context.json) printJson(context, { signals: [{ service, signal, pid }] });
  else context.io.out.write(`${signal} sent to ${service} (pid ${pid})\n`);
  return 0;
}

/** `hup`, `HUP`, `SIGHUP`, `1`. Throws USAGE with the nearest. */
function signalName(wanted: string): string {
  const names = Object.keys(constants.signals);
  const byNumber = Object.entries(constants.signals).find(([, number]) => String(number) === wanted)?.[0];
  const upper = wanted.toUpperCase();
  const name = byNumber ?? names.find((each) => each === upper || each === `SIG${upper}`);
  if (name !== undefined) return name;
  const near = nearestName(
    upper,
    names.map((each) => each.slice(3)),
  );
  throw new ReeveError('USAGE', {
    message: `there is no signal "${wanted}"`,
    hint: near === null ? 'for example HUP, USR1, TERM' : `did you mean ${near}?`,
  });
}
