import type { ProbeTarget } from '../core/interfaces.ts';
import { failed, type Outcome } from './outcome.ts';
import { explainLack, type WhoHolds } from './own-listener.ts';

/** Whether each port is listened on by a process of the run: a stranger that answers there does not count. */
export async function probeListening(
  ports: readonly number[],
  target: ProbeTarget,
  whoHolds: WhoHolds,
): Promise<Outcome> {
  const there = await target.processes.listening(ports);
  const held = (port: number, holder: 'run' | 'hidden') =>
    there.some((one) => one.port === port && one.holder === holder);
  const missing = ports.find((port) => !held(port, 'run') && !held(port, 'hidden'));
  if (missing !== undefined) return failed(await explainLack(missing, there, whoHolds));
  const hidden = ports.filter((port) => !held(port, 'run'));
  const doubt = hidden.length === 0 ? '' : ` (${hidden.join(', ')} as far as reeve may look into its processes)`;
  return { ok: true, what: `listens on ${ports.join(', ')}${doubt}` };
}
