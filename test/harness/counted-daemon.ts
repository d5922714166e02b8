import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { TestReeve } from './reeve.ts';
import { until } from './until.ts';

/** What a daemon has asked of the system and of its registry. */
export interface Counts {
  /** Files opened, without those of processes (`/proc/PID/…`). */
  readonly opens: number;
  readonly processFiles: number;
  /** Looks at the whole process table. */
  readonly tableScans: number;
  readonly links: number;
  readonly folders: number;
  /** Files and folders made, written or removed. */
  readonly writes: number;
  readonly transactions: number;
}

export interface CountedDaemon {
  /** What it did meanwhile. */
  during(work: () => Promise<unknown>): Promise<Counts>;
}

const root = path.resolve(import.meta.dirname, '../..');

/** The built daemon of the home, counted from inside: no tool has to be there, and no other process is counted. */
export async function startCountedDaemon(reeve: TestReeve): Promise<CountedDaemon> {
  const program = path.join(root, 'packages/reeve/dist/reeved.js');
  const counter = path.join(root, 'test/programs/counts-calls.cjs');
  const child = spawn(process.execPath, ['--require', counter, program], {
    env: { ...process.env, REEVE_HOME: reeve.home, REEVE_PORT: '0' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await until('the daemon answers', async () => (await reeve.run(['daemon', 'status'])).code === 0);
  const now = async (): Promise<Counts> => {
    child.send('?');
    const [counts] = (await once(child, 'message')) as [Counts];
    return { ...counts };
  };
  return {
    during: async (work) => {
      const before = await now();
      await work();
      const after = await now();
      const names = Object.keys(after) as (keyof Counts)[];
      return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as unknown as Counts;
    },
  };
}
