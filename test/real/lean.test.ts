import { homePaths } from '@reeve/host';
import { ReeveClient } from '@reeve/sdk';
import { expect, test } from 'vitest';
import { type Counts, startCountedDaemon } from '../harness/counted-daemon.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

/**
 * What the daemon asks of the system and of its registry for the paths that every client uses. Counts, which no other
 * process can disturb. A change that raises one fails with the old and the new number; one that lowers it, lowers it here.
 */
const MOST = {
  /** `ps` while the picture is young: the files of its own programs are compared with what was started. */
  ps: { opens: 4, processFiles: 0, tableScans: 0, links: 1, folders: 2, writes: 0, transactions: 0 },
  'a new picture of ten services': { opens: 15, tableScans: 1, writes: 0, transactions: 0 },
} satisfies Readonly<Record<string, Partial<Counts>>>;

function expectAtMost(what: keyof typeof MOST, counts: Counts): void {
  const most: Partial<Counts> = MOST[what];
  const names = Object.keys(most) as (keyof Counts)[];
  const now = Object.fromEntries(names.map((name) => [name, counts[name]]));
  const raised = names.filter((name) => (now[name] ?? 0) > (most[name] ?? 0));
  expect(raised, `${what}: was ${JSON.stringify(most)}, now ${JSON.stringify(now)}`).toEqual([]);
}

const connect = ({ home }: TestReeve) => ReeveClient.connect({ home, socket: homePaths(home).controlSocket });
const stayers = (reeve: TestReeve, count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`s${n}`, { command: [...reeve.program('stays')] }]));

/** The smallest of several: what the daemon does besides, once a second, does not count. */
async function least(what: string, times: number, sample: () => Promise<Counts | false>): Promise<Counts> {
  const samples: Counts[] = [];
  while (samples.length < times) samples.push(await until(what, sample));
  const names = Object.keys(samples[0] ?? {}) as (keyof Counts)[];
  const smallest = names.map((name) => [name, Math.min(...samples.map((each) => each[name]))]);
  return Object.fromEntries(smallest) as unknown as Counts;
}

test('U10: ps is answered from a picture that is kept and says of when it is; a new one looks at every process once', async () => {
  await using reeve = startReeve();
  reeve.project({ project: 'shop', services: stayers(reeve, 10) });
  const daemon = await startCountedDaemon(reeve);
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  await using client = await connect(reeve);
  const ps = async () => (await client.call('ps', { project: null })).projects[0];
  let last = await ps();
  const sample = (isNew: boolean) => async () => {
    let next = last;
    const counts = await daemon.during(async () => {
      next = await ps();
    });
    const fits = (next?.scanned_at !== last?.scanned_at) === isNew;
    last = next;
    return fits && counts;
  };
  expectAtMost('ps', await least('two lists are closer than a picture is old', 6, sample(false)));
  expectAtMost('a new picture of ten services', await least('a picture is too old', 3, sample(true)));
  expect(last?.services.map(({ state, memory_bytes }) => [state, memory_bytes !== null])).toEqual(
    Array.from({ length: 10 }, () => ['running', true]),
  );
});
