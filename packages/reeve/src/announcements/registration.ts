import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessIdentity } from '@reeve/contract';
import { type HomePaths, instanceId, prepareFolder } from '@reeve/host';

/** What `reeve register` writes down: a dropped file like any other, with the identity of the process looked up. */
export interface Registration {
  readonly name: string;
  readonly project: string;
  readonly folder: string;
  readonly process: ProcessIdentity | null;
  readonly startedAt: string | null;
  readonly description: string;
  readonly ports: readonly { readonly port: number; readonly protocol: 'tcp' | 'udp' }[];
  readonly dependencies: readonly string[];
  readonly capabilities: readonly string[];
  readonly start: string | null;
  readonly cleanup: string | null;
  /** Milliseconds. */
  readonly cleanupTimeout: number;
  readonly cwd: string;
  readonly data: Readonly<Record<string, unknown>> | null;
}

/** Writes it whole, or replaces the one before. Returns the file. Throws what the system says. */
export function writeRegistration({ announce }: Pick<HomePaths, 'announce'>, entry: Registration): string {
  prepareFolder(announce, 'no-other-writes');
  const file = registrationFile(announce, entry);
  const { process: identity, startedAt, cleanupTimeout, ...rest } = entry;
  const text = JSON.stringify(
    {
      format: 1,
      registered: true,
      ...rest,
      pid: identity?.pid ?? null,
      start_tick: identity?.start ?? null,
      boot: identity?.boot ?? null,
      started_at: startedAt,
      cleanup_timeout: cleanupTimeout,
    },
    null,
    2,
  );
  const draft = join(announce, `.${process.pid}.draft`);
  rmSync(draft, { force: true });
  writeFileSync(draft, `${text}\n`, { mode: 0o600, flag: 'wx' });
  renameSync(draft, file);
  return file;
}

export function removeRegistration(file: string): void {
  rmSync(file, { force: true });
}

function registrationFile(announce: string, { folder, name }: Pick<Registration, 'folder' | 'name'>): string {
  return join(announce, `${instanceId(folder, name, 0)}.json`);
}
