import type { ProcessIdentity } from '@reeve/contract';
import type { Listener, ProbeTarget } from '../core/interfaces.ts';
import { failed, type Outcome } from './outcome.ts';

/** Whether each port is listened on by a process of the run: a stranger that answers there does not count. */
export async function probeListening(
  ports: readonly number[],
  target: ProbeTarget,
  listeners: () => Promise<readonly Listener[]>,
): Promise<Outcome> {
  const [found, all] = await Promise.all([target.processes.scan(), listeners()]);
  const ours = found.map(({ process }) => process);
  for (const port of ports) {
    const problem = whyNot(
      port,
      all.filter((one) => one.port === port && one.protocol === 'tcp'),
      ours,
    );
    if (problem !== null) return failed(problem);
  }
  return { ok: true, what: `listens on ${ports.join(', ')}` };
}

function whyNot(port: number, there: readonly Listener[], ours: readonly ProcessIdentity[]): string | null {
  const [first] = there;
  if (!first) return `nothing is listening on port ${port} yet`;
  if (there.some(({ process }) => process !== null && ours.some((one) => isSame(one, process)))) return null;
  if (!first.process) return `port ${port} is held by a process of user ${first.user} that we may not look at`;
  return `port ${port} is held by ${first.command ?? 'another process'} (pid ${first.process.pid})`;
}

function isSame(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.boot === b.boot && a.pid === b.pid && a.start === b.start;
}
