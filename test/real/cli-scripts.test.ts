import { realpathSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { copiesOf, linesOf } from '../harness/ask.ts';
import { startReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

describe('run', () => {
  test('ends as the command ends, with its two outputs, and needs no config', async () => {
    await using reeve = startReeve();
    const three = await reeve.run(['run', 'sh', '-c', 'echo out; echo err >&2; exit 3']);
    expect(three).toMatchObject({ code: 3, stdout: 'out\n', stderr: 'err\n' });
    expect((await reeve.run(['run', '--', 'sh', '-c', 'kill -9 $$'])).code).toBe(137);
    const missing = await reeve.run(['run', 'no-such-program-here']);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('no-such-program-here');
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s leaves nothing of it', async (signal) => {
    await using reeve = startReeve();
    const running = reeve.start(['run', '--name', 'mine', ...reeve.program('keeps-a-child')]);
    await until('it runs', () => copiesOf(reeve, 'keeps-a-child').some((pid) => pid !== running.pid));
    await running.line(/./);
    running.signal(signal);
    expect((await running.ended).code).toBe(130);
    expect(reeve.outside().filter((p) => p.command.includes('keeps-a-child'))).toEqual([]);
  });
});

test('exec has the folder and the environment of the service, and the code of the command', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')], env: { FOO: 'bar' }, cwd: '.' } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const asked = await reeve.run(['exec', 'a', '--', 'sh', '-c', 'pwd; echo $FOO $REEVE_SERVICE; exit 7'], {
    cwd: reeve.folder,
  });
  expect(asked).toMatchObject({ code: 7, stdout: `${realpathSync(reeve.folder)}\nbar a\n` });
  expect((await reeve.run(['exec', 'a', 'sh', '-c', 'kill -TERM $$'])).code).toBe(143);
  const piped = await reeve.run(['exec', 'a', 'cat'], { input: 'through\n' });
  expect(piped.stdout).toBe('through\n');
});

test('signal reaches the main process, by any spelling', async () => {
  await using reeve = startReeve();
  reeve.project({
    services: {
      a: { command: [...reeve.program('notes-signals')], ready: { log: 'ready' }, stop: { timeout: '500ms' } },
    },
  });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  for (const word of ['HUP', 'sighup', '1']) expect((await reeve.run(['signal', word, 'a'])).code).toBe(0);
  await until('it heard', async () => (await linesOf(reeve, 'a')).filter((l) => l.startsWith('SIGHUP')).length === 3);
});

describe('wait', () => {
  test('for a service that is not up waits until it is started', async () => {
    await using reeve = startReeve();
    reeve.project({ services: { a: { command: [...reeve.program('stays')] } } });
    const first = reeve.start(['wait', 'a', '--timeout', '30s']);
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    expect((await first.ended).code).toBe(0);
    expect((await reeve.run(['stop', 'a'])).code).toBe(0);
    const second = reeve.start(['wait', 'a', '--timeout', '30s']);
    expect((await reeve.run(['start', 'a'])).code).toBe(0);
    expect((await second.ended).code).toBe(0);
    const stopped = reeve.start(['wait', 'a', '--for', 'stopped', '--timeout', '30s']);
    expect((await reeve.run(['stop', 'a'])).code).toBe(0);
    expect((await stopped.ended).code).toBe(0);
  });

  test('ends with 130 when it is interrupted', async () => {
    await using reeve = startReeve();
    reeve.project({ services: { a: { command: [...reeve.program('stays')], ready: { log: 'never' } } } });
    expect((await reeve.run(['up', '-d', '--no-wait'])).code).toBe(0);
    const waiting = reeve.start(['up', '-d']);
    await waiting.line(/a starting/);
    waiting.signal('SIGINT');
    expect((await waiting.ended).code).toBe(130);
    expect((await reeve.run(['status', 'a'])).code).toBe(0);
  });
});
