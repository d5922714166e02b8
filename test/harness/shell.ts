import { type SpawnSyncReturns, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { TestReeve } from './reeve.ts';

const bin = path.resolve(import.meta.dirname, '../../packages/reeve/bin/reeve.js');

export type ShellResult = Pick<SpawnSyncReturns<Buffer>, 'stdout' | 'stderr'> & { readonly code: number | null };

/** A line of bash in the project's folder, in which `reeve` is the built command: for pipes, redirections, raw bytes. */
export async function shell(reeve: TestReeve, line: string): Promise<ShellResult> {
  const script = `reeve() { '${process.execPath}' '${bin}' "$@"; }; ${line}`;
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn('bash', ['-c', script], {
    cwd: reeve.folder,
    env: { ...env, REEVE_HOME: reeve.home, REEVE_PORT: '0', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (chunk: Buffer) => chunks[name].push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: Buffer.concat(chunks.stdout), stderr: Buffer.concat(chunks.stderr) };
}
