import type { ReadySpec } from '@reeve/contract';
import { pause } from '@reeve/host';
import { unreachable } from '../../base/unreachable.ts';
import type { ReadyCheck } from '../../core/interfaces.ts';
import { canonical } from '../../core/spec/canonical.ts';
import type { Actor } from '../instance-handle.ts';
import { noteReady, runHealthChecks } from './health-checks.ts';
import { isOver, targetOf, tcpPortsOf, wrote } from './probing.ts';

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
  const ports = tcpPortsOf(live);
  if (ports.length > 0) return askUntilReady(instance, { kind: 'listening', ports }, signal);
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
      return askUntilReady(instance, ready, signal);
    case 'notify':
    case 'ipc':
    case 'fd':
      // It tells us (hearing.ts); what it has told before is in the keeper's journal.
      instance.lacking ??= WAITED_FOR[ready.kind];
      return;
    default:
      unreachable(ready);
  }
}

/** What a start lacks as long as the service has not said that it is ready. */
const WAITED_FOR = {
  notify: 'it has not sent READY=1 to NOTIFY_SOCKET yet',
  ipc: "it has not called process.send('ready') yet",
  fd: 'it has not written a newline to its readiness descriptor yet',
} as const;

async function waitForLine(instance: Actor, pattern: string, signal: AbortSignal): Promise<void> {
  instance.lacking = `no line matches /${pattern}/ yet`;
  const line = await instance.host.deps.probes
    .logLine({ kind: 'log', pattern }, targetOf(instance), signal)
    .catch((error: unknown) => {
      instance.lacking = `its log cannot be read: ${error instanceof Error ? error.message : String(error)}`;
      return null;
    });
  if (line !== null && !signal.aborted) instance.post({ name: 'ready', how: wrote(line) });
}

async function askUntilReady(instance: Actor, check: ReadyCheck, signal: AbortSignal): Promise<void> {
  for (let wait = FIRST_PAUSE; !isOver(signal); wait = Math.min(LONGEST_PAUSE, wait * 2)) {
    const answer = await instance.host.deps.probes.attempt(check, targetOf(instance), ATTEMPT_TIMEOUT);
    if (isOver(signal)) return;
    if (answer.ok) {
      if (canonical(check) === canonical(instance.live?.resolved.health?.check)) noteReady(instance, answer);
      instance.post({ name: 'ready', how: answer.what });
      return;
    }
    instance.lacking = answer.what;
    await pause(wait, signal);
  }
}
