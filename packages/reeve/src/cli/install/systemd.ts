import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ReeveError } from '@reeve/contract';
import { ownUserName, resolveHome } from '@reeve/host';
import type { Surroundings } from './outlives.ts';

export type Scope = 'user' | 'system';
type Env = Readonly<Record<string, string | undefined>>;

/** Long enough for a start that takes services over. Milliseconds. */
const PATIENCE = 120_000;

/** The name and file of the unit of a home. A home that is not the usual one has a unit of its own beside it. */
export function unitOf(home: string, scope: Scope, env: Env): { readonly name: string; readonly path: string } {
  const isUsual = home === resolveHome({ ...env, REEVE_HOME: undefined });
  const mark = createHash('sha256').update(home).digest('hex').slice(0, 8);
  const name = isUsual ? 'reeve.service' : `reeve-${mark}.service`;
  return { name, path: join(unitFolder(scope, env), name) };
}

function unitFolder(scope: Scope, env: Env): string {
  if (scope === 'system') return '/etc/systemd/system';
  const config = env['XDG_CONFIG_HOME'];
  return join(config && isAbsolute(config) ? config : join(ownHome(), '.config'), 'systemd/user');
}

/** By the password file, as systemd has it; a user without an entry has only the variable. */
function ownHome(): string {
  try {
    return userInfo().homedir;
  } catch {
    return homedir();
  }
}

/** sd_booted(3). */
export function isSystemd(): boolean {
  return existsSync('/run/systemd/system');
}

/** Throws NO_SYSTEMD. */
export function demandSystemd(): void {
  if (isSystemd()) return;
  let init = 'unknown';
  try {
    init = readFileSync('/proc/1/comm', 'utf8').trim();
  } catch {
    // hidepid: its name is nobody's business
  }
  throw new ReeveError('NO_SYSTEMD', { init });
}

/** Runs `systemctl`, for the user's systemd or the machine's. Throws SYSTEMD_REFUSED with its words. */
export function systemctl(scope: Scope, args: readonly string[]): Promise<void> {
  const all = [...(scope === 'user' ? ['--user'] : []), ...args];
  const name = args.at(-1) ?? '';
  const look = `systemctl${scope === 'user' ? ' --user' : ''} status ${name.endsWith('.service') ? name : ''}`.trim();
  return new Promise((resolve, reject) => {
    execFile('systemctl', all, { timeout: PATIENCE }, (error, _out, complaint) => {
      if (!error) return resolve();
      const why = complaint.trim() || error.message;
      reject(new ReeveError('SYSTEMD_REFUSED', { command: `systemctl ${all.join(' ')}`, why, look }, { cause: error }));
    });
  });
}

/** What `outlives` wants to know, as it is now. */
export function surroundings(home: string, env: Env): Surroundings {
  const user = ownUserName();
  const installed = (scope: Scope): boolean => existsSync(unitOf(home, scope, env).path);
  return {
    systemd: isSystemd(),
    unit: installed('system') ? 'system' : installed('user') ? 'user' : null,
    linger: existsSync(`/var/lib/systemd/linger/${user}`),
    killsUserProcesses: killsUserProcesses(),
    user,
  };
}

/** The last word of logind.conf and its drop-ins; `no` where nothing is said, as Debian has it. */
function killsUserProcesses(): boolean {
  const folder = '/etc/systemd/logind.conf.d';
  const dropIns = existsSync(folder) ? readdirSync(folder).sort() : [];
  const files = ['/etc/systemd/logind.conf', ...dropIns.map((name) => join(folder, name))];
  const said = files.flatMap((file) => (existsSync(file) ? wordsOf(readFileSync(file, 'utf8')) : []));
  return /^(yes|true|on|1)$/i.test(said.at(-1) ?? 'no');
}

function wordsOf(text: string): readonly string[] {
  return [...text.matchAll(/^\s*KillUserProcesses\s*=\s*(\w+)/gm)].map(([, word = '']) => word);
}
