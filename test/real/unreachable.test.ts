import type { PsView } from '@reeve/contract';
import { expect, test } from 'vitest';
import { serviceOf } from '../harness/ask.ts';
import { startReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

interface Status {
  readonly pid: number;
  readonly keeper_pid: number;
}

test('U28: a daemon that is stopped by a signal is named with what helps, and reading commands answer without it', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')], ready: { log: 'ready' } } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const service = await serviceOf(reeve, 'a');
  const { pid } = await reeve.json<Status>(['daemon', 'status']);
  process.kill(pid, 'SIGSTOP');
  try {
    expect(await reeve.json<PsView>(['ps'])).toMatchObject({
      daemon: {
        running: true,
        pid,
        problems: [{ code: 'daemon_silent', hint: expect.stringContaining(`kill -CONT ${pid}`) }],
      },
      services: [{ name: 'a', state: 'running', pid: service.pid }],
      scanned_at: null,
    });
    const table = await reeve.run(['ps']);
    expect(table.stderr).toContain(`pid ${pid}`);
    expect(table.stderr).toContain(`kill -CONT ${pid}`);
    expect(table.stderr).not.toContain('daemon start');
    const reading = [['status', 'a'], ['why', 'a'], ['ports'], ['advertisements'], ['events'], ['logs', 'a']];
    const acting = [['stop'], ['daemon', 'start'], ['up', '-d']];
    const all = [...reading, ...acting, ['daemon', 'status']];
    const answers = await Promise.all(all.map(async (args) => [args, await reeve.run(args)] as const));
    for (const [args, answer] of answers) {
      expect([args, answer.code]).toEqual([args, reading.includes(args) ? 0 : 9]);
      if (acting.includes(args) || args[0] === 'why') expect(answer.stderr).toContain(`kill -CONT ${pid}`);
      if (args[1] === 'status') expect(answer.stdout).toContain('does not answer');
    }
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until('it answers again', async () => (await reeve.run(['daemon', 'status'])).code === 0);
});
