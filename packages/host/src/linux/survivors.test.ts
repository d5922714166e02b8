import { expect, test } from 'vitest';
import { explainState } from './survivors.ts';

test.each([
  [{ state: 'D', threads: 1 }, 'nfs_wait_bit_killable', 0, /uninterruptible wait in nfs_wait_bit_killable/],
  [{ state: 'D', threads: 1 }, '__refrigerator', 0, /frozen/],
  [{ state: 'Z', threads: 4 }, '', 0, /main thread has exited, 3 of its threads still running/],
  [{ state: 't', threads: 1 }, 'ptrace_stop', 77, /process 77 traces it/],
  [{ state: 'T', threads: 1 }, '', 0, /stopped/],
  [{ state: 'S', threads: 1 }, '0', 0, /^it is still running \(state S\)$/],
])('%j in %j is explained', (stat, wait, tracer, why) => {
  expect(explainState(stat, wait, tracer)).toMatch(why);
});
