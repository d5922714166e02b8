import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { startReeve, type TestReeve } from '../harness/reeve.ts';

/** Each line: the exit code, then what is typed. Source: DESIGN.md, Exit codes. */
async function expectCodes(reeve: TestReeve, table: readonly (readonly [number, string])[]): Promise<void> {
  for (const [code, line] of table) {
    const result = await reeve.run(line.split(' '));
    expect(result.code, `reeve ${line}\n${result.stdout}${result.stderr}`).toBe(code);
    if (code !== 0 && code !== 3) expect(result.stderr, `reeve ${line} says why`).not.toBe('');
    expect(result.stderr, `reeve ${line} shows no stack`).not.toMatch(/^\s+at .*:\d+:\d+/m);
  }
}

const nothingMade = (reeve: TestReeve) => !existsSync(path.join(reeve.home, 'reeve.db'));

test('where there is neither a config nor a project: 4 for a question, 2 where a config is needed', async () => {
  await using reeve = startReeve();
  await expectCodes(reeve, [
    [4, 'ps'],
    [4, 'status'],
    [4, 'status x'],
    [4, 'why x'],
    [4, 'logs'],
    [4, 'events'],
    [4, 'wait x'],
    [4, 'signal HUP x'],
    [4, 'exec x true'],
    [4, 'stop'],
    [4, 'stop x'],
    [4, 'down'],
    [4, 'ps --project nope'],
    [4, 'stop --project nope'],
    [4, 'up --project nope'],
    [2, 'up -d'],
    [2, 'up --dry-run'],
    [2, 'start'],
    [2, 'validate'],
    [0, 'ps --all'],
    [0, 'stop --all'],
    [0, 'ports'],
    [3, 'daemon status'],
    [0, 'daemon stop'],
  ]);
  expect(nothingMade(reeve)).toBe(true);
});

test('what is typed wrong is 2, whatever else is wrong too, and starts nothing', async () => {
  await using reeve = startReeve();
  await expectCodes(reeve, [
    [2, 'nosuch'],
    [2, 'doctor'],
    [2, 'up --nope'],
    [2, 'up x --timeout abc'],
    [2, 'stop x --timeout=-5s'],
    [2, 'wait x --for banana'],
    [2, 'wait'],
    [2, 'logs x -n many'],
    [2, 'logs x --since yesterday'],
    [2, 'logs x --until never'],
    [2, 'logs x --grep ('],
    [2, 'logs x --stream both'],
    [2, 'events -n -3'],
    [2, 'signal NOSUCH x'],
    [2, 'signal HUP'],
    [2, 'exec x'],
    [2, 'run'],
    [2, 'run --name b@d true'],
    [2, 'ports 99999'],
    [2, 'ps extra'],
    [2, 'up -d --attach'],
    [2, 'up --wait --no-wait'],
    [2, 'stop --all x'],
    [2, 'daemon'],
    [2, 'daemon fly'],
    [2, 'completion tcsh'],
    [2, 'help nosuch'],
    [2, '-C /nonexistent ps'],
    [2, '--config nonexistent.yaml ps'],
    [2, 'up ../x'],
  ]);
  expect(nothingMade(reeve)).toBe(true);
});

test('a config that was never applied is known by its services, and asking starts no daemon', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')] } } });
  await expectCodes(reeve, [
    [0, 'ps'],
    [3, 'status'],
    [3, 'status a'],
    [4, 'status b'],
    [0, 'why a'],
    [4, 'why b'],
    [0, 'logs a'],
    [4, 'logs b'],
    [0, 'events'],
    [0, 'wait a --for stopped'],
    [8, 'wait a --timeout 300ms'],
    [4, 'wait b'],
    [3, 'signal HUP a'],
    [4, 'signal HUP b'],
    [3, 'exec a true'],
    [4, 'exec b true'],
    [0, 'stop'],
    [0, 'stop a'],
    [4, 'stop b'],
    [0, 'down'],
    [4, 'up b --dry-run'],
    [0, 'up --dry-run'],
    [0, 'graph'],
    [0, 'validate'],
  ]);
  expect(nothingMade(reeve)).toBe(true);
});

test('of services that run, have ended, or failed', async () => {
  await using reeve = startReeve();
  reeve.project({
    services: {
      a: { command: [...reeve.program('stays')] },
      job: { command: [...reeve.program('exit-with', 'code=0')], oneshot: true },
      off: { command: [...reeve.program('stays')], autostart: false },
      bad: {
        command: [...reeve.program('exit-with', 'code=3')],
        restart: 'never',
        autostart: false,
        ready: { log: 'no' },
      },
      slow: { command: [...reeve.program('stays')], autostart: false, ready: { log: 'never' } },
    },
  });
  await expectCodes(reeve, [
    [0, 'up -d'],
    [0, 'up -d'],
    [0, 'status a'],
    [0, 'status job'],
    [3, 'status off'],
    [4, 'status nope'],
    [1, 'up -d bad'],
    [1, 'start bad'],
    [3, 'status bad'],
    [1, 'wait bad'],
    [8, 'up -d slow --timeout 300ms'],
    [8, 'up -d slow bad --timeout 300ms'],
    [0, 'status slow'],
    [8, 'wait slow --timeout 300ms'],
    [0, 'wait a'],
    [0, 'wait job --for completed'],
    [8, 'wait a --for stopped --timeout 300ms'],
    [8, 'wait off --timeout 300ms'],
    [0, 'wait off --for stopped'],
    [4, 'up -d nope'],
    [4, 'start a nope'],
    [4, 'stop a nope'],
    [4, 'logs a --run nope'],
    [4, 'logs a --run -7'],
    [3, 'signal HUP job'],
    [0, 'signal CONT a'],
    [0, 'stop slow'],
    [0, 'restart a'],
    [0, 'stop'],
    [0, 'stop'],
    [3, 'status'],
    [0, 'down'],
    [0, 'down --purge'],
  ]);
});

test('5 when only a conflict stands in the way; the holder of a port is named', async () => {
  await using reeve = startReeve();
  const port = await reeve.port();
  reeve.project({ project: 'one', services: { a: { command: [...reeve.program('http-server')], ports: [port] } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const other = path.join(path.dirname(reeve.folder), 'other');
  reeve.project(
    { project: 'two', services: { b: { command: [...reeve.program('http-server')], ports: [port] } } },
    other,
  );
  const up = await reeve.run(['up', '-d'], { cwd: other });
  expect(up.code, up.stdout + up.stderr).toBe(5);
  expect(up.stdout + up.stderr).toMatch(/port \d+ is held by a of one \(pid \d+\)/);
  expect((await reeve.run(['run', '--name', 'a', 'true'])).code).toBe(5);
});

describe('a home', () => {
  test('that others may write to, or that cannot be made, is refused with 7', async () => {
    await using reeve = startReeve();
    reeve.project({ services: { a: { command: [...reeve.program('stays')] } } });
    const base = path.dirname(reeve.home);
    const open = path.join(base, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    const file = path.join(base, 'file');
    writeFileSync(file, '');
    for (const home of [open, file, path.join(file, 'below'), '/proc/reeve']) {
      const up = await reeve.run(['up', '-d', '--home', home], { limit: 15_000 });
      expect(up.code, `${home}: ${up.stderr}`).toBe(7);
      expect(up.stderr).toContain('Fix:');
    }
    expect((await reeve.run(['ps', '--home', file])).code).toBe(7);
  });

  test('with a path beyond what a socket takes works like any other', async () => {
    await using reeve = startReeve();
    reeve.project({ services: { a: { command: [...reeve.program('stays')] } } });
    const long = path.join(path.dirname(reeve.home), 'x'.repeat(120));
    try {
      expect((await reeve.run(['up', '-d', '--home', long])).code).toBe(0);
      expect((await reeve.run(['status', 'a', '--home', long])).code).toBe(0);
      expect((await reeve.run(['status', 'a'])).code, 'two homes never see each other').toBe(3);
    } finally {
      expect((await reeve.run(['daemon', 'stop', '--with-services', '--home', long])).code).toBe(0);
    }
  });
});
