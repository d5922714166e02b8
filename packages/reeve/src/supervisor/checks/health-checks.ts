import type { HealthSpec } from '@reeve/contract';
import { pause } from '@reeve/host';
import type { ProbeAnswer } from '../../core/interfaces.ts';
import { isHeldUp, judgeHealth, pauseUntilNext, wasAway } from '../../core/restart/health.ts';
import type { Actor } from '../instance-handle.ts';
import { isOver, targetOf, wrote } from './probing.ts';

/** While it starts, its health is asked like readiness: often at first, then less. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 500;

/** What a service says of itself is believed at once, unless its declared health asks for more. */
const AT_ONCE = { retries: 1, successes: 1 } as const;

/**
 * Checks health from now until aborted. While the instance is `starting` with nothing else to tell readiness by, its
 * first success makes it ready.
 */
export async function runHealthChecks(instance: Actor, signal: AbortSignal): Promise<void> {
  const health = instance.live?.resolved.health;
  if (!health) return;
  if (health.check.kind === 'log') return watchForLine(instance, health, health.check.pattern, signal);
  if (health.check.kind === 'watchdog') return watchPings(instance, health, health.check.timeout, signal);
  return askAgainAndAgain(instance, health, signal);
}

async function askAgainAndAgain(instance: Actor, health: HealthSpec, signal: AbortSignal): Promise<void> {
  const { probes, clock } = instance.host.deps;
  const excusedUntil = excuse(instance, health);
  const ask = () => probes.attempt(health.check, targetOf(instance), health.timeout);
  if (instance.machine.state.name === 'starting') return askUntilWell(instance, ask, signal);
  // What made it ready may have been this very question.
  const first = pauseUntilNext(instance.health, health.interval, clock.now());
  for (let wait = first; await pause(wait, signal); wait = health.interval) {
    const answer = await ask();
    if (isOver(signal)) return;
    if (!isHeldUp(answer, health.timeout)) note(instance, health, answer, excusedUntil);
  }
}

/** `ready` begins the checks of a running instance anew. */
async function askUntilWell(instance: Actor, ask: () => Promise<ProbeAnswer>, signal: AbortSignal): Promise<void> {
  for (let wait = FIRST_PAUSE; !isOver(signal); wait = Math.min(LONGEST_PAUSE, wait * 2)) {
    const answer = await ask();
    if (isOver(signal)) return;
    if (answer.ok) {
      noteReady(instance, answer);
      return instance.post({ name: 'ready', how: answer.what });
    }
    instance.lacking = answer.what;
    await pause(wait, signal);
  }
}

/** What made it ready is the first answer of its health, where that asks the same. */
export function noteReady(instance: Actor, answer: ProbeAnswer): void {
  const health = instance.live?.resolved.health;
  if (health) note(instance, health, answer, 0);
}

/**
 * Health by pings: missed when none came for so long. The first one may be late by the start period. A daemon that was away
 * (a daemon that was stopped, or has just taken over) gives a whole period before it judges.
 */
async function watchPings(instance: Actor, health: HealthSpec, declared: number, signal: AbortSignal): Promise<void> {
  if (instance.machine.state.name === 'starting') {
    instance.lacking ??= 'it has not sent WATCHDOG=1 to NOTIFY_SOCKET yet';
    return; // its first ping makes it ready (hearing.ts)
  }
  const { clock } = instance.host.deps;
  const excusedUntil = excuse(instance, health);
  let from = clock.monotonic();
  while (!isOver(signal)) {
    const timeout = instance.notified.watchdog ?? declared;
    const begun = clock.monotonic();
    const left = Math.max(from, instance.pingedAt ?? from) + timeout - begun;
    if (left > 0) {
      await pause(left, signal);
      const now = clock.monotonic();
      if (wasAway(left, now - begun)) from = now;
      continue;
    }
    from = begun;
    note(instance, AT_ONCE, { ok: false, what: `no WATCHDOG=1 for ${timeout / 1000}s`, ms: null }, excusedUntil);
  }
}

/** Health by log line: healthy once a line has matched; as long as none has, each interval is a failure. */
async function watchForLine(instance: Actor, health: HealthSpec, pattern: string, signal: AbortSignal): Promise<void> {
  const { clock, probes } = instance.host.deps;
  const begun = clock.monotonic();
  const excusedUntil = excuse(instance, health);
  const found = probes.logLine({ kind: 'log', pattern }, targetOf(instance), signal);
  for (;;) {
    const line = await Promise.race([found, pause(health.interval, signal)]);
    if (isOver(signal) || line === null) return;
    if (typeof line === 'string') {
      const ms = clock.monotonic() - begun;
      for (let n = 0; n < health.successes; n += 1) note(instance, health, { ok: true, what: wrote(line), ms }, 0);
      if (instance.machine.state.name === 'starting') instance.post({ name: 'ready', how: wrote(line) });
      return;
    }
    const what = `no line matches /${pattern}/ yet`;
    if (instance.machine.state.name === 'starting') instance.lacking = what;
    else note(instance, health, { ok: false, what, ms: null }, excusedUntil);
  }
}

/** A ping of the watchdog. */
export function noteAlive(instance: Actor): void {
  note(instance, AT_ONCE, { ok: true, what: 'it pings its watchdog', ms: null }, 0);
}

/** What the service says of its own health counts like an answer to its declared check; without one, at once. */
export function noteOwnWord(instance: Actor, ok: boolean, why: string | null): void {
  const declared = instance.live?.resolved.health;
  const spec = declared && declared.check.kind !== 'watchdog' ? declared : AT_ONCE;
  const what = ok ? 'it says that it is healthy' : `it says that it is unhealthy${why === null ? '' : `: ${why}`}`;
  note(instance, spec, { ok, what, ms: null }, 0);
}

/** It asks for what a missed watchdog brings. */
export function noteTrigger(instance: Actor): void {
  note(instance, AT_ONCE, { ok: false, what: 'it sent WATCHDOG=trigger', ms: null }, 0, 'watchdog');
}

/** The start period is counted from the start of the run, which a daemon that takes over has not seen. */
function excuse(instance: Actor, health: HealthSpec): number {
  const { clock } = instance.host.deps;
  const age = clock.now() - (instance.live?.row.started_at ?? clock.now());
  return clock.monotonic() - Math.max(0, age) + health.start_period;
}

interface Heard {
  readonly ok: boolean;
  readonly what: string;
  readonly ms: number | null;
}

function note(
  instance: Actor,
  spec: Pick<HealthSpec, 'retries' | 'successes'>,
  { ok, what, ms }: Heard,
  excusedUntil: number,
  by: 'health' | 'watchdog' = instance.live?.resolved.health?.check.kind === 'watchdog' ? 'watchdog' : 'health',
): void {
  const { clock } = instance.host.deps;
  const before = instance.health.name;
  instance.health = judgeHealth(
    instance.health,
    { ok, what, at: clock.now(), ms },
    spec,
    excusedUntil,
    clock.monotonic(),
  );
  const { name } = instance.health;
  if (name !== before) instance.tell(`service.${name}`, `${name}: ${what}`, { by });
  if (name !== before || name === 'unhealthy') instance.host.changed(instance);
  if (name !== 'unhealthy' || ok) return;
  // Restarting cannot help while what it needs is away.
  if (instance.project.dependencyThatIsDown(instance.spec.name) === null)
    instance.post({ name: 'unhealthy', by, why: what });
}
