import type { RunListener } from './interfaces.ts';

/**
 * The addresses at which a run's own listener on a port is asked; each but the first is for when the one before it
 * refuses. None: the run does not listen there.
 */
export function askedAddresses(listeners: readonly RunListener[], port: number): readonly string[] {
  const there = listeners.filter((one) => one.port === port);
  const proven = there.filter(({ holder }) => holder === 'run');
  const own = proven.length > 0 ? proven : there.filter(({ holder }) => holder === 'hidden');
  const others = there.filter((one) => !own.includes(one)).map(({ address }) => plain(address));
  return [...new Set(own.flatMap(({ address }) => reachable(plain(address), others)))];
}

/** A wildcard is asked at a loopback address that no other listener has: the kernel prefers the exact one. */
function reachable(address: string, others: readonly string[]): readonly string[] {
  if (address === '0.0.0.0') return [loopback(others)];
  if (address !== '::') return [address];
  // Another IPv4 listener on this port means that this one is for IPv6 alone.
  return others.some((other) => other.includes('.')) ? ['::1'] : ['127.0.0.1', '::1'];
}

function loopback(others: readonly string[]): string {
  const near = Array.from({ length: 8 }, (_, k) => `127.0.0.${k + 1}`);
  return near.find((address) => !others.includes(address)) ?? '127.0.0.1';
}

/** An IPv4 address inside an IPv6 one is asked as itself. */
function plain(address: string): string {
  return /^::ffff:(\d+(?:\.\d+){3})$/.exec(address)?.[1] ?? address;
}
