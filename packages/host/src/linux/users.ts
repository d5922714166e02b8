import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}
export interface Group {
  readonly name: string;
  readonly gid: number;
}

/** By name, else by number. /etc/passwd first, then every source that the system knows (`getent`). null: no such user. */
export async function findUser(nameOrId: string): Promise<User | null> {
  const pick = (users: readonly User[]) =>
    users.find((user) => user.name === nameOrId) ?? users.find((user) => String(user.uid) === nameOrId) ?? null;
  return pick(parsePasswd(textOf('/etc/passwd'))) ?? pick(parsePasswd(await getent('passwd', nameOrId)));
}

/** By name, else by number. null: no such group. */
export async function findGroup(nameOrId: string): Promise<Group | null> {
  const pick = (groups: readonly Group[]) =>
    groups.find((group) => group.name === nameOrId) ?? groups.find((group) => String(group.gid) === nameOrId) ?? null;
  return pick(parseGroup(textOf('/etc/group'))) ?? pick(parseGroup(await getent('group', nameOrId)));
}

/** The name of a user id by /etc/passwd, else the number: for messages. */
export function userNameOf(uid: number): string {
  const user = parsePasswd(textOf('/etc/passwd')).find((each) => each.uid === uid);
  return user?.name ?? String(uid);
}

/** Our own name; a user without an entry has a number only. */
export function ownUserName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}

/** One that cannot be read knows nobody: users have their numbers, and `getent` may know more. */
export function textOf(database: string): string {
  try {
    return readFileSync(database, 'utf8');
  } catch {
    return '';
  }
}

/** Source: passwd(5). Lines that are not entries are passed over. */
export function parsePasswd(text: string): readonly User[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , uid = '', gid = '', , home = '', shell = ''] = line.split(':');
    if (!isEntry(name, uid) || !/^\d+$/.test(gid)) return [];
    return [{ name, uid: Number(uid), gid: Number(gid), home, shell: shell || '/bin/sh' }];
  });
}

/** Source: group(5). */
export function parseGroup(text: string): readonly Group[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , gid = ''] = line.split(':');
    return isEntry(name, gid) ? [{ name, gid: Number(gid) }] : [];
  });
}

/** Comments, and the `+`/`-` lines of NIS, are not entries. */
function isEntry(name: string, id: string): boolean {
  return /^[^#+-]/.test(name) && /^\d+$/.test(id);
}

const run = promisify(execFile);

async function getent(database: 'passwd' | 'group', key: string): Promise<string> {
  try {
    return (await run('getent', [database, '--', key], { timeout: 5000 })).stdout;
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (code === 2 || code === 'ENOENT') return ''; // no such entry, or no such program: the files are all there is
    throw error;
  }
}
