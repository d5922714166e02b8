import type { Waited, WaitedService } from '@reeve/contract';
import { pause } from '@reeve/host';
import { askKnown, declaredServices } from '../ask-known.ts';
import { type ByHand, findByHand, wordsBeside } from '../by-hand.ts';
import { durationOption, selection } from '../command-line/read-options.ts';
import { type Context, optionValue, printJson, say } from '../context.ts';
import { Interrupts } from '../interrupts.ts';
import { findProject, refOf } from '../project/find-project.ts';
import { managedNames } from '../project/managed-names.ts';
import type { Target } from '../project/target.ts';
import { type Wish, waitFor } from '../starting/await-start.ts';
import { humanDuration } from '../terminal/amounts.ts';
import { wordOf } from '../terminal/progress.ts';
import { oneLine } from '../terminal/safe-text.ts';

const PATIENCE = 60_000;
/** Between two looks at a service that is not up. Milliseconds. */
const EVERY = 200;

type Until = Wish['until'];

export async function run(context: Context): Promise<number> {
  const services = selection(context.args.positionals);
  const until = (optionValue(context, 'for') ?? 'ready') as Until;
  const target = await findProject(context);
  const timeout = durationOption(context, 'timeout') ?? PATIENCE;
  using interrupts = new Interrupts(context.io, ['SIGINT']);
  const waited = await waitLong(context, { target, services, until, timeout, signal: interrupts.signal });
  if (context.json) printJson(context, waited);
  else tell(context, waited, until);
  return waited.outcome === 'met' ? 0 : waited.outcome === 'timeout' ? 8 : 1;
}

interface Asked {
  readonly target: Target;
  readonly services: readonly string[];
  readonly until: Until;
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** A service that is not up may be started meanwhile: it is waited for until the time is over. */
async function waitLong(context: Context, asked: Asked): Promise<Waited> {
  const { timeout, signal } = asked;
  const began = performance.now();
  for (;;) {
    const left = Math.max(0, timeout - (performance.now() - began));
    const waited = await look(context, asked, left, Math.round(performance.now() - began));
    if (waited.outcome !== 'failed' || !waited.services.every(mayCome)) return waited;
    if (left === 0) return { ...waited, outcome: 'timeout' };
    if (!(await pause(Math.min(EVERY, left), signal))) signal.throwIfAborted();
  }
}

/** What was started manually is looked at; for the rest the daemon waits. */
async function look(context: Context, asked: Asked, left: number, ms: number): Promise<Waited> {
  const { target, until, signal } = asked;
  const byHand = await findByHand(context, target, asked.services);
  const words =
    asked.services.length > 0 || byHand.length === 0 ? asked.services : [...(await managedNames(context, target))];
  const services = wordsBeside(words, byHand);
  const seen = byHand.map((each) => waitedByHand(each, until, ms));
  if (seen.length > 0 && services.length === 0) return together(seen, []);
  const wish = { project: refOf(target), services, until, timeout: left, signal, asksOnly: true };
  const waited =
    (await askKnown(context, target, (client) => waitFor(context, { ...wish, client }))) ??
    (await waitedInVain(context, { ...asked, services }));
  return seen.length === 0 ? waited : together(seen, waited.services, waited.outcome);
}

function together(
  seen: readonly WaitedService[],
  others: readonly WaitedService[],
  outcome: Waited['outcome'] = 'met',
): Waited {
  const isMet = seen.every((each) => each.outcome === 'met');
  return { outcome: isMet ? outcome : outcome === 'timeout' ? 'timeout' : 'failed', services: [...seen, ...others] };
}

function waitedByHand({ service }: ByHand, until: Until, ms: number): WaitedService {
  const { name, state, reason, ready, exit } = service;
  const isOver = state === 'stopped' || state === 'completed';
  const isMet = until === 'ready' ? ready : until === 'stopped' ? isOver : isOver && exit?.code === 0;
  if (isMet) return { name, outcome: 'met', state, reason: null, ms };
  const hasFailed = until === 'completed' && isOver && exit !== null;
  return hasFailed
    ? { name, outcome: 'failed', state: 'failed', reason, ms }
    : { name, outcome: 'pending', state, reason, ms };
}

function mayCome({ outcome, state }: WaitedService): boolean {
  return outcome === 'met' || outcome === 'pending' || state === 'stopped';
}

/** Of a config that was never applied. Throws what makes exit code 4. */
async function waitedInVain(context: Context, { target, services, until }: Asked): Promise<Waited> {
  const outcome = until === 'stopped' ? 'met' : 'failed';
  const names = await declaredServices(context, target, services);
  const reason = outcome === 'met' ? null : 'it has never been started';
  return { outcome, services: names.map((name) => ({ name, outcome, state: 'stopped', reason, ms: 0 })) };
}

function tell(context: Context, { services }: Waited, until: string): void {
  for (const service of services) {
    if (service.outcome === 'met') continue;
    const because = service.reason === null ? '' : `: ${oneLine(service.reason)}`;
    const late = service.outcome === 'pending' ? ` after ${humanDuration(service.ms)}` : '';
    say(context, `${service.name} is not ${until}${late}, it is ${wordOf(service)}${because}`);
    say(context, `  More: reeve why ${service.name}`);
  }
}
