import { askedAddresses } from '../core/asked-addresses.ts';
import type { Listener, ProbeTarget, RunListener } from '../core/interfaces.ts';
import { failed, type Outcome, orAborted, placeOf } from './outcome.ts';

/** Platform.listeners of one port: who holds it. Reads every descriptor, so it is only asked for a name. */
export type WhoHolds = (port: number) => Promise<readonly Listener[]>;

/** Where the service's own listener on a port is asked, or why it has none there. */
export async function findOwn(
  port: number,
  target: ProbeTarget,
  whoHolds: WhoHolds,
  signal: AbortSignal,
): Promise<readonly string[] | Outcome> {
  const look = async (): Promise<readonly string[] | Outcome> => {
    const there = await target.processes.listening([port]);
    const own = askedAddresses(there, port);
    if (own.length > 0) return own;
    const problem = await explainLack(port, there, whoHolds);
    const [foreign] = askedAddresses(asIfOwn(there), port);
    return failed(foreign === undefined ? problem : `${problem}; to check it instead, name ${placeOf(foreign, port)}`);
  };
  return orAborted(look(), signal, `listeners of port ${port}`);
}

/** Why the run has no listener on the port: it is free, or another process holds it. */
export async function explainLack(port: number, there: readonly RunListener[], whoHolds: WhoHolds): Promise<string> {
  const nothing = `nothing is listening on port ${port} yet`;
  if (!there.some((one) => one.port === port)) return nothing;
  const [holder] = (await whoHolds(port)).filter(({ protocol }) => protocol === 'tcp');
  if (!holder) return nothing; // it has gone meanwhile
  if (holder.process === null)
    return `port ${port} is held by a process of user ${holder.user} that reeve may not look at`;
  return `port ${port} is held by ${holder.command ?? 'a process'} (pid ${holder.process.pid}), which is not of this service`;
}

function asIfOwn(there: readonly RunListener[]): readonly RunListener[] {
  return there.map((one) => ({ ...one, holder: 'run' }));
}
