import type { ProcessIdentity } from '@reeve/contract';
import { expect, test } from 'vitest';
import type { Listener, ProbeTarget, RunListener } from '../core/interfaces.ts';
import { probeListening } from './probe-listening.ts';

const stranger: ProcessIdentity = { boot: 'b', pid: 100, start: 6 };
const held = (port: number, holder: RunListener['holder'] = 'run'): RunListener => ({ port, address: '::', holder });
function listener(process: ProcessIdentity | null, protocol: 'tcp' | 'udp' = 'tcp'): Listener {
  return { port: 80, protocol, address: '::', uid: 0, process, command: process && 'nginx', user: 'www' };
}
async function ask(ports: number[], there: RunListener[], ...holders: Listener[]): Promise<[boolean, string]> {
  const target = { processes: { listening: () => Promise.resolve(there) } } as unknown as ProbeTarget;
  const { ok, what } = await probeListening(ports, target, () => Promise.resolve(holders));
  return [ok, what];
}

test('it is ready when every port is listened on by a process of the run', async () => {
  expect(await ask([80, 81], [held(80), held(81)])).toEqual([true, 'listens on 80, 81']);
  expect(await ask([80, 81], [held(80)])).toEqual([false, 'nothing is listening on port 81 yet']);
});

test('a stranger on the port does not count', async () => {
  const isHeld = 'port 80 is held by nginx (pid 100), which is not of this service';
  expect(await ask([80], [held(80, 'other')], listener(null, 'udp'), listener(stranger))).toEqual([false, isHeld]);
  expect(await ask([80], [held(80, 'other'), held(80)])).toEqual([true, 'listens on 80']);
});

test('a listener that we may not look at is not taken for ours', async () => {
  const isHeld = 'port 80 is held by a process of user www that reeve may not look at';
  expect(await ask([80], [held(80, 'other')], listener(null))).toEqual([false, isHeld]);
});

test('U11: a service whose own process may not be looked into is ready, and it is said how far that is seen', async () => {
  const what = 'listens on 80, 81 (80 as far as reeve may look into its processes)';
  expect(await ask([80, 81], [held(80, 'hidden'), held(81)])).toEqual([true, what]);
});
