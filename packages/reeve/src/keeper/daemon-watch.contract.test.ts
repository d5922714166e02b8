import { spawn } from 'node:child_process';
import type { KeeperMessage } from '@reeve/contract';
import { expect, onTestFinished, test } from 'vitest';
import { Beat } from '../base/beat.ts';
import { DaemonWatch } from './daemon-watch.ts';

test.each(['its connection ends first', 'the next daemon comes first'])(
  'U32: the stall of a daemon that was killed in it is reported to the next one: %s',
  async (order) => {
    const hung = spawn('sleep', ['1000']);
    onTestFinished(() => void hung.kill('SIGKILL'));
    const beat = new Beat(() => undefined);
    onTestFinished(() => beat.close());
    let noticed: () => void = () => undefined;
    const silent = new Promise<void>((resolve) => {
      noticed = resolve;
    });
    const watch = new DaemonWatch(beat, (message) => {
      if (message.includes('does not answer')) noticed();
    });
    const told: Record<'hung' | 'next', KeeperMessage[]> = { hung: [], next: [] };
    watch.greeted({ pid: hung.pid ?? 0, send: (message) => told.hung.push(message) });
    watch.busy('the call "up"');
    await silent;
    if (order.startsWith('its connection')) watch.gone();
    watch.greeted({ pid: process.pid, send: (message) => told.next.push(message) });
    const stalled = { program: 'daemon', pid: hung.pid, during: 'the call "up"', end: 'gone' };
    expect(told.next).toMatchObject([{ stalled }]);
    expect(told.hung).toEqual([{ watch: true }]);
    watch.gone();
  },
);
