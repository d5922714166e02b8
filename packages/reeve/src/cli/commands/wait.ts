import type { Waited, WaitedService } from '@reeve/contract';
import { askKnown, declaredServices } from '../ask-known.ts';
import { durationOption, selection } from '../command-line/read-options.ts';
import { type Context, optionValue, printJson, say } from '../context.ts';
import { Interrupts } from '../interrupts.ts';
import { findProject, refOf } from '../project/find-project.ts';
import type { Target } from '../project/target.ts';
import { type Wish, waitFor } from '../starting/await-start.ts';
import { humanDuration } from '../terminal/amounts.ts';
import { pause } from '../terminal/pause.ts';
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

/** Whoever waits for a service that is not up waits until somebody starts it, or for the end of his patience. */
async function waitLong(context: Context, asked: Asked): Promise<Waited> {
  const { target, services, until, timeout, signal } = asked;
  const end = performance.now() + timeout;
  for (;;) {
    const left = Math.max(0, end - performance.now());
    const wish = { project: refOf(target), services, until, timeout: left, signal, asksOnly: true };
    const waited =
      (await askKnown(context, target, (client) => waitFor(context, { ...wish, client }))) ??
      (await waitedInVain(context, asked));
    if (waited.outcome !== 'failed' || !waited.services.every(mayCome)) return waited;
    if (performance.now() >= end) return { ...waited, outcome: 'timeout' };
    if (!(await pause(Math.min(EVERY, left), signal))) signal.throwIfAborted();
  }
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
