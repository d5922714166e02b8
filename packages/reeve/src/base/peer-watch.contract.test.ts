import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readStat } from '@reeve/host';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../../../test/harness/until.ts';
import { PeerWatch, type Silence } from './peer-watch.ts';

/** Answers every question, but keeps its loop busy from `stall` until the file is there. */
const PROGRAM = `
const { existsSync } = require('node:fs');
process.on('message', ({ stall }) => {
  while (stall && !existsSync(stall));
  process.send('answer');
});
process.send('ready');`;

interface Watched {
  readonly child: ChildProcess;
  readonly watch: PeerWatch;
  readonly asks: () => number;
  readonly silent: Promise<Silence>;
  readonly over: Promise<readonly [Silence, string]>;
}

function watched(command: string, ...args: readonly string[]): Watched {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let asks = 0;
  let tellSilent: (silence: Silence) => void = () => undefined;
  let tellOver: (over: readonly [Silence, string]) => void = () => undefined;
  const silent = new Promise<Silence>((resolve) => {
    tellSilent = resolve;
  });
  const over = new Promise<readonly [Silence, string]>((resolve) => {
    tellOver = resolve;
  });
  const watch = new PeerWatch({
    pid: () => child.pid ?? null,
    ask: () => {
      asks += 1;
      if (command === process.execPath) child.send({});
    },
    onSilent: tellSilent,
    onOver: (silence, how) => tellOver([silence, how]),
  });
  child.on('message', () => watch.heard());
  child.on('exit', () => watch.gone());
  return { child, watch, asks: () => asks, silent, over };
}

test('U32: a loop that stalls is noticed from outside while it does, with what it had begun, and its end with how long', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-stall-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { child, watch, silent, over } = watched(process.execPath, '-e', PROGRAM);
  await once(child, 'message');
  const enough = join(folder, 'enough');
  child.send({ stall: enough });
  watch.stir('the call "up"');
  expect(await silent).toMatchObject({ pid: child.pid, during: 'the call "up"' });
  expect(watch.isSilent).toBe(true);
  writeFileSync(enough, '');
  const [silence, how] = await over;
  expect([how, silence.ms > 200, watch.isSilent]).toEqual(['answered', true, false]);
});

test('U32: one that never answers is over with its end, and what the kernel says of it is said', async () => {
  const { child, watch, silent, over } = watched('sleep', '1000');
  child.kill('SIGSTOP');
  await until('it is stopped', () => readStat(child.pid ?? 0)?.state === 'T');
  watch.beat();
  expect(await silent).toMatchObject({ doing: 'stopped by a signal', during: null });
  child.kill('SIGKILL');
  expect((await over)[1]).toBe('gone');
});

test('U32: a program that sleeps is looked at, and asked seldom: neither program wakes up for it', async () => {
  const { child, watch, asks } = watched('sleep', '1000');
  await until('it sleeps', () => readStat(child.pid ?? 0)?.comm === 'sleep' && readStat(child.pid ?? 0)?.state === 'S');
  for (let beats = 0; beats < 19; beats += 1) watch.beat();
  expect(asks()).toBe(0);
  watch.beat();
  expect(asks()).toBe(1);
});
