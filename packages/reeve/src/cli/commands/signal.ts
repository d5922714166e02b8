import { constants } from 'node:os';
import { type ProcessIdentity, ReeveError } from '@reeve/contract';
import { sendSignal } from '@reeve/host';
import { nearestName } from '../../core/spec/nearest-name.ts';
import { askKnown, notRunning } from '../ask-known.ts';
import { type ByHand, findByHand } from '../by-hand.ts';
import { selection } from '../command-line/read-options.ts';
import { type Context, printJson } from '../context.ts';
import { actor } from '../project/actor.ts';
import { findProject, refOf } from '../project/find-project.ts';
import type { Target } from '../project/target.ts';

export async function run(context: Context): Promise<number> {
  const [wanted = '', service = ''] = context.args.positionals;
  selection([service]);
  const signal = signalName(wanted);
  const target = await findProject(context);
  const byHand = await findByHand(context, target, [service]);
  const pid = byHand[0] ? signalByHand(byHand[0], signal) : await signalManaged(context, target, service, signal);
  if (context.json) printJson(context, { signals: [{ service, signal, pid }] });
  else context.io.out.write(`${signal} sent to ${service} (pid ${pid})\n`);
  return 0;
}

async function signalManaged(context: Context, target: Target, service: string, signal: string): Promise<number> {
  const params = { project: refOf(target), service, signal, actor: actor() };
  const sent = await askKnown(context, target, (client) => client.call('signal', params));
  if (sent === null) throw await notRunning(context, target, service);
  return sent.pid;
}

/** Only the very process that announced itself. Returns its pid. Throws NOT_RUNNING, NOT_PERMITTED. */
function signalByHand({ service: { name }, announced: { card, liveness } }: ByHand, signal: string): number {
  if (liveness !== 'live') throw new ReeveError('NOT_RUNNING', { name });
  const { process: main, pid } = card;
  const refusal = main === null ? 'it was announced by pid alone, which may have been reused' : send(main, signal);
  if (refusal === null) return pid;
  throw new ReeveError('NOT_PERMITTED', { message: `${signal} was not sent to ${name} (pid ${pid}): ${refusal}` });
}

/** null: it was sent. */
function send(main: ProcessIdentity, signal: string): string | null {
  const result = sendSignal(main, { cookie: null, cgroup: null }, signal, { seen: main });
  return result.ok ? null : result.reason.replaceAll('_', ' ');
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
    message: `unknown signal "${wanted}"`,
    hint: near === null ? 'for example HUP, USR1, TERM' : `did you mean ${near}?`,
  });
}
