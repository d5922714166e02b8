import type { ProcessIdentity } from '@reeve/contract';
import { expect, test } from 'vitest';
import type { Listener, ProbeTarget } from '../core/interfaces.ts';
import { probeListening } from './probe-listening.ts';

const ours: ProcessIdentity = { boot: 'b', pid: 100, start: 5 };
const target = {
  processes: { scan: () => Promise.resolve([{ process: ours, command: 'node', found_by: ['main'], memory: 1 }]) },
} as unknown as ProbeTarget;
function listener(port: number, process: ProcessIdentity | null, protocol: 'tcp' | 'udp' = 'tcp'): Listener {
  return { port, protocol, address: '127.0.0.1', uid: 0, process, command: process && 'nginx', user: 'www' };
}
const ask = async (ports: number[], ...all: Listener[]): Promise<[boolean, string]> => {
  const { ok, what } = await probeListening(ports, target, () => Promise.resolve(all));
  return [ok, what];
};

test('it is ready when every port is listened on by a process of the run', async () => {
  expect(await ask([80, 81], listener(80, ours), listener(81, ours))).toEqual([true, 'listens on 80, 81']);
  expect(await ask([80, 81], listener(80, ours))).toEqual([false, 'nothing is listening on port 81 yet']);
});

test('a stranger on the port does not count, also with a recycled pid', async () => {
  const stranger = { ...ours, start: 6 };
  expect(await ask([80], listener(80, stranger))).toEqual([false, 'port 80 is held by nginx (pid 100)']);
  expect(await ask([80], listener(80, stranger), listener(80, ours))).toEqual([true, 'listens on 80']);
});

test('a listener that we may not look at is not taken for ours', async () => {
  expect(await ask([80], listener(80, null))).toEqual([
    false,
    'port 80 is held by a process of user www that we may not look at',
  ]);
});

test('udp on the same number is another port', async () => {
  expect(await ask([80], listener(80, ours, 'udp'))).toEqual([false, 'nothing is listening on port 80 yet']);
});
