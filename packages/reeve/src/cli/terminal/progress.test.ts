import type { Progress as Push, Waited } from '@reeve/contract';
import { expect, test } from 'vitest';
import type { Context } from '../context.ts';
import { testIo } from '../test-io.ts';
import { Progress, renderWaited } from './progress.ts';
import { styleFor } from './style.ts';

const NAMES = Array.from({ length: 200 }, (_, i) => `s${i}`);

function context(terminal?: number) {
  const io = testIo(terminal === undefined ? {} : { terminal });
  const style = styleFor({
    isTTY: terminal !== undefined,
    columns: terminal ?? 0,
    env: { LANG: 'C.UTF-8' },
    color: 'never',
  });
  const args = { command: 'up', positionals: [], verbatim: [], options: new Map() };
  const made: Context = { io, args, json: false, verbose: false, style, talk: style, cwd: '/' };
  return { io, made };
}
const push = (service: string, state: Push['state'], ready: boolean, reason: string | null = null): Push => ({
  event: null,
  service,
  state,
  ready,
  reason,
});

test('U15: of many services a terminal shows those that are not ready, what failed first, and how many are', () => {
  const { io, made } = context(80);
  using progress = new Progress(made, NAMES, false);
  for (const name of NAMES.slice(0, 181)) progress.note(push(name, 'running', true));
  progress.note(push('s190', 'failed', false, 'exited with code 1'));
  const frame = io.stderr().split('\u001b[J').at(-1) ?? '';
  expect(frame).toMatch(/^ {2}✗ s190 +failed .*exited with code 1\n/);
  expect(frame).toMatch(/ s181 +accepted/);
  expect(frame).not.toMatch(/ s5 /);
  expect(frame).toMatch(/\n {2}181 of 200 up {2}[\d.]+s\n$/);
});

test('U15: off a terminal many services are counted, and only what fails is named', () => {
  const { io, made } = context();
  using progress = new Progress(made, NAMES, false);
  for (const name of NAMES) {
    progress.note(push(name, 'starting', false));
    progress.note(push(name, 'running', false));
    if (name === 's7') progress.note(push(name, 'failed', false, 'exited with code 1'));
    else progress.note(push(name, 'running', true));
  }
  const lines = io.stdout().trimEnd().split('\n');
  expect(lines).toHaveLength(10);
  expect(lines[0]).toMatch(/^s7 failed .*: exited with code 1$/);
  expect(lines[1]).toMatch(/^20 of 200 up /);
  const services = NAMES.map((name): Waited['services'][number] => {
    const isBad = name === 's7';
    return { name, outcome: isBad ? 'failed' : 'met', state: isBad ? 'failed' : 'running', reason: null, ms: 1 };
  });
  const last = renderWaited(made, { outcome: 'failed', services }, 1000, new Map());
  expect(last.split('\n')).toHaveLength(3);
  expect(last).toContain('199 of 200 up in 1.0s — 1 failed');
});

test('few services are shown one by one, without the moment between running and ready', () => {
  const { io, made } = context();
  using progress = new Progress(made, ['a'], false);
  for (const each of [push('a', 'starting', false), push('a', 'running', false), push('a', 'running', true)])
    progress.note(each);
  expect(io.stdout()).toMatch(/^a starting .*\na ready .*\n$/);
});
