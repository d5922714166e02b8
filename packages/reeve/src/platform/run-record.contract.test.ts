import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readStat, type Stat } from '@reeve/host';
import { expect, test } from 'vitest';
import { RunRecord } from './run-record.ts';

async function sleeper() {
  const child = spawn('sleep', ['1000']);
  await once(child, 'spawn');
  return { child, stat: readStat(child.pid ?? 0) as Stat };
}

test('what ended by itself before the first signal is not in the receipt, also without a look in between', async () => {
  const [main, stays, ends] = [await sleeper(), await sleeper(), await sleeper()];
  const record = new RunRecord();
  try {
    record.see(main.stat, ['main'], true);
    for (const { stat } of [stays, ends]) record.see(stat, ['cgroup'], true);
    ends.child.kill('SIGKILL');
    await once(ends.child, 'exit');
    record.aboutToSignal();
    expect(record.evidence().map(({ pid }) => pid)).toEqual([main.stat.pid, stays.stat.pid]);

    const asked = record.see(main.stat, ['main'], true);
    if (asked) record.signalled(asked.process, 'SIGTERM');
    stays.child.kill('SIGKILL');
    await once(stays.child, 'exit');
    record.aboutToSignal();
    expect(record.evidence(), 'what ends after it is').toHaveLength(2);
  } finally {
    for (const { child } of [main, stays, ends]) child.kill('SIGKILL');
    record.close();
  }
});
