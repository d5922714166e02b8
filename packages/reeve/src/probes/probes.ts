import type { CommandCheck, HttpCheck, LogCheck, TcpCheck } from '@reeve/contract';
import { deadlineIn } from '@reeve/host';
import type { HealthCheck, Probes, ProbeTarget, ReadyCheck } from '../core/interfaces.ts';
import { failed, type Outcome, orAborted } from './outcome.ts';
import type { WhoHolds } from './own-listener.ts';
import { type CommandUser, probeCommand } from './probe-command.ts';
import { probeHttp } from './probe-http.ts';
import { probeListening } from './probe-listening.ts';
import { probeTcp } from './probe-tcp.ts';

/** What probes need of other floors: given by the daemon. */
export interface ProbeNeeds {
  /** logs/: the first line of the run that matches, null when aborted. */
  readonly waitForLine: (check: LogCheck, target: ProbeTarget, signal: AbortSignal) => Promise<string | null>;
  /** Platform.listeners of one port. */
  readonly listeners: WhoHolds;
  /** As whom command checks of this run are executed: the service's user. */
  readonly userOf: (target: ProbeTarget) => CommandUser | Promise<CommandUser>;
}

type Check = HttpCheck | TcpCheck | ReadyCheck | HealthCheck;

/** Readiness and health checks. Each attempt is over at its deadline, whatever the other side does. */
export function probes(needs: ProbeNeeds): Probes {
  return {
    async attempt(check, target, timeout) {
      const begun = performance.now();
      const deadline = deadlineIn(timeout);
      try {
        const outcome = await ask(check, target, needs, deadline.signal);
        return { ...outcome, ms: performance.now() - begun };
      } catch (error) {
        return { ...failed(error instanceof Error ? error.message : String(error)), ms: performance.now() - begun };
      } finally {
        deadline.clear();
      }
    },
    logLine: needs.waitForLine,
  };
}

function ask(check: Check, target: ProbeTarget, needs: ProbeNeeds, signal: AbortSignal): Promise<Outcome> {
  switch (check.kind) {
    case 'http':
      return probeHttp(check, target, needs.listeners, signal);
    case 'tcp':
      return probeTcp(check, target, needs.listeners, signal);
    case 'command':
      return asItsUser(check, target, needs, signal);
    case 'listening': {
      const scan = probeListening(check.ports, target, needs.listeners);
      return orAborted(scan, signal, `listeners of ${check.ports.join(', ')}`);
    }
    case 'log':
      return orAborted(hasWritten(check, target, needs, signal), signal, `no line matches /${check.pattern}/`);
    case 'watchdog':
      return Promise.resolve(failed('a watchdog is fed by the service, it cannot be asked'));
  }
}

async function asItsUser(
  check: CommandCheck,
  target: ProbeTarget,
  needs: ProbeNeeds,
  signal: AbortSignal,
): Promise<Outcome> {
  const user = await needs.userOf(target);
  return probeCommand(check, target, user, signal);
}

async function hasWritten(
  check: LogCheck,
  target: ProbeTarget,
  needs: ProbeNeeds,
  signal: AbortSignal,
): Promise<Outcome> {
  const line = await needs.waitForLine(check, target, signal);
  return line === null
    ? failed(`no line matches /${check.pattern}/`)
    : { ok: true, what: `it wrote "${line.slice(0, 120)}"` };
}
