import type { HealthSpec, ReadySpec } from '@reeve/contract';
import { unreachable } from '../base/unreachable.ts';
import { judgeHealth } from '../core/health.ts';
import type { ProbeTarget, ReadyCheck } from '../core/ports.ts';
import type { Actor } from './actor.ts';

/** Readiness is asked often at first, then less: a fast service is ready at once, a slow one costs little. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 500;
const ATTEMPT_TIMEOUT = 2_000;

/**
 * Asks until the instance is ready, then posts `ready`. The time limit is the machine's. Undeclared: the first success
 * of `health`; else every declared TCP port is listened on by the service; else the process runs.
 */
export async function untilReady(instance: Actor, signal: AbortSignal): Promise<void> {
  const { live, spec } = instance;
  if (!live || spec.oneshot) return;
  const { ready, health } = live.resolved;
  if (ready) return waitDeclared(instance, ready, signal);
  if (health) return runHealthChecks(instance, signal);
  const ports = live.leases.filter((l) => l.protocol === 'tcp').map((l) => l.port);
  if (ports.length > 0)
    return askUntilReady(instance, { kind: 'listening', ports }, `listens on ${ports.join(', ')}`, signal);
  instance.post({ name: 'ready', how: 'its process runs' });
}

async function waitDeclared(instance: Actor, ready: ReadySpec, signal: AbortSignal): Promise<void> {
  switch (ready.kind) {
    case 'delay':
      if (await pause(ready.delay, signal)) instance.post({ name: 'ready', how: `${ready.delay} ms have passed` });
      return;
    case 'log':
      return waitForLine(instance, ready.pattern, signal);
    case 'http':
    case 'tcp':
    case 'command':
      return askUntilReady(instance, ready, null, signal);
    case 'notify':
    case 'ipc':
    case 'fd':
      // Refused when the config is read; a row of an older registry says so instead of waiting forever.
      instance.lacking = `readiness by ${ready.kind} is not supported by this version`;
      return;
    default:
      unreachable(ready);
  }
}

async function waitForLine(instance: Actor, pattern: string, signal: AbortSignal): Promise<void> {
  instance.lacking = `no line matches /${pattern}/ yet`;
  const line = await instance.host.deps.probes.logLine({ kind: 'log', pattern }, targetOf(instance), signal);
  if (line !== null && !signal.aborted) instance.post({ name: 'ready', how: `it wrote "${line.slice(0, 120)}"` });
}

async function askUntilReady(
  instance: Actor,
  check: ReadyCheck,
  how: string | null,
  signal: AbortSignal,
): Promise<void> {
  for (let wait = FIRST_PAUSE; !isOver(signal); wait = Math.min(LONGEST_PAUSE, wait * 2)) {
    const answer = await instance.host.deps.probes.attempt(check, targetOf(instance), ATTEMPT_TIMEOUT);
    if (isOver(signal)) return;
    if (answer.ok) {
      instance.post({ name: 'ready', how: how ?? answer.what });
      return;
    }
    instance.lacking = answer.what;
    await pause(wait, signal);
  }
}

/**
 * Checks health from now until aborted. While the instance is `starting` with nothing else to tell readiness by, its
 * first success makes it ready, and it is asked as often as readiness is.
 */
export async function runHealthChecks(instance: Actor, signal: AbortSignal): Promise<void> {
  const health = instance.live?.resolved.health;
  if (!health) return;
  if (health.check.kind === 'log') return watchForLine(instance, health.check.pattern, signal);
  const { clock, probes } = instance.host.deps;
  const startedAt = clock.monotonic();
  for (let wait = FIRST_PAUSE; !isOver(signal); wait = Math.min(LONGEST_PAUSE, wait * 2)) {
    const answer = await probes.attempt(health.check, targetOf(instance), health.timeout);
    if (isOver(signal)) return;
    if (instance.machine.state.name === 'starting') {
      if (answer.ok) note(instance, health, answer, startedAt);
      // `ready` begins the checks of a running instance anew: this loop ends with its state.
      if (answer.ok) return instance.post({ name: 'ready', how: answer.what });
      instance.lacking = answer.what;
      await pause(wait, signal);
      continue;
    }
    note(instance, health, answer, startedAt);
    await pause(health.interval, signal);
  }
}

function note(instance: Actor, spec: HealthSpec, answer: { ok: boolean; what: string }, startedAt: number): void {
  const before = instance.health;
  const now = instance.host.deps.clock.monotonic();
  instance.health = judgeHealth(before, answer, spec, startedAt, now);
  if (instance.health.name === before.name && instance.health.name !== 'unhealthy') return;
  if (instance.health.name !== before.name)
    instance.tell(`service.${instance.health.name}`, `${instance.health.name}: ${answer.what}`);
  instance.host.changed(instance);
  if (instance.health.name !== 'unhealthy') return;
  const down = instance.project.dependencyThatIsDown(instance.spec.name);
  // Restarting cannot help while what it needs is away.
  if (down === null)
    instance.post({ name: 'unhealthy', by: spec.check.kind === 'watchdog' ? 'watchdog' : 'health', why: answer.what });
}

/** Health by log line: the first line that matches tells that it is healthy. */
async function watchForLine(instance: Actor, pattern: string, signal: AbortSignal): Promise<void> {
  const line = await instance.host.deps.probes.logLine({ kind: 'log', pattern }, targetOf(instance), signal);
  if (line === null || signal.aborted) return;
  instance.health = { name: 'healthy', failures: 0, successes: 1, last: line };
  instance.tell('service.healthy', `healthy: it wrote "${line.slice(0, 120)}"`);
  instance.host.changed(instance);
  if (instance.machine.state.name === 'starting')
    instance.post({ name: 'ready', how: `it wrote "${line.slice(0, 120)}"` });
}

function targetOf(instance: Actor): ProbeTarget {
  const { live, spec, id, host } = instance;
  if (!live) throw new Error(`${instance.selector} has no run to look at`);
  return {
    run: live.row.run,
    logs: spec.logs ? host.deps.logFolder(id) : null,
    cwd: live.resolved.cwd,
    env: live.resolved.env,
    processes: live.processes,
    user: live.user,
  };
}

/** A function, because the answer changes while we wait. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** false: aborted. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve(!signal.aborted);
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
