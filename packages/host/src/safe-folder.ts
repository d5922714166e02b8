import { lstatSync, mkdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ReeveError } from '@reeve/contract';

/**
 * Makes a folder (0700, parents too) if it is missing, then verifies that it is ours alone: a real folder, owned by
 * us, that no other user may write to (`no-other-writes`) or even look into (`no-other-enters`), or could
 * replace, by any of the folders above it. Throws HOME_UNSAFE with the command that fixes it.
 */
export function prepareFolder(path: string, rule: 'no-other-writes' | 'no-other-enters'): void {
  makeFolder(path);
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) throw unsafe(path, 'it is a symbolic link', `use where it leads: ${safeRealpath(path)}`);
  if (!stat.isDirectory()) throw unsafe(path, 'it is not a folder', `mv ${quote(path)} ${quote(`${path}.old`)}`);
  if (process.getuid === undefined) return;
  if (stat.uid !== process.getuid()) {
    throw unsafe(path, `it belongs to user ${stat.uid}, not to you`, `sudo chown ${process.getuid()} ${quote(path)}`);
  }
  if (stat.mode & (rule === 'no-other-enters' ? 0o077 : 0o022)) {
    throw unsafe(path, `its mode is ${octal(stat)}: others can access it`, `chmod 700 ${quote(path)}`);
  }
  verifyAbove(path);
}

function makeFolder(path: string): void {
  try {
    if (lstatSync(path, { throwIfNoEntry: false })) return; // whatever it is, the look that follows says so
    makeWithParents(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && CANNOT_BE_MADE.has(code)) {
      throw unsafe(path, `it cannot be made (${code})`, 'choose another place: --home DIR, or REEVE_HOME=DIR', error);
    }
    throw error;
  }
}

const CANNOT_BE_MADE: ReadonlySet<string> = new Set(['EACCES', 'EEXIST', 'ENOENT', 'ENOTDIR', 'EPERM', 'EROFS']);

/** Not Node's `recursive`: it never returns where a folder cannot be made in one that exists (/proc). */
function makeWithParents(path: string): void {
  const above = dirname(path);
  if (above !== path && !lstatSync(above, { throwIfNoEntry: false })) makeWithParents(above);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Two commands at the same moment: what the other made is looked at like everything else.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** A user who may write in a folder above can put another one in its place: on the way as written, and as resolved. */
function verifyAbove(path: string): void {
  const above = new Set([...parents(path), ...parents(realpathSync(path))]);
  for (const folder of above) {
    const link = lstatSync(folder);
    const reason = whyUnsafe(link.isSymbolicLink() ? statSync(folder) : link) ?? (isTrusted(link) ? null : owner(link));
    if (reason === null) continue;
    const hint = isTrusted(link)
      ? `chmod ${reason.fix} ${quote(folder)}`
      : 'choose another place: --home DIR, or REEVE_HOME=DIR';
    throw unsafe(path, `${folder}, above it, ${reason.why}`, hint);
  }
}

interface Unsafe {
  readonly why: string;
  readonly fix: string;
}

function whyUnsafe(stat: Stats): Unsafe | null {
  if (!isTrusted(stat)) return owner(stat);
  const isSticky = (stat.mode & 0o1000) !== 0; // in /tmp only the owner may rename what is his
  if (isSticky) return null;
  if (stat.mode & 0o002) return { why: 'is world-writable', fix: 'o-w' };
  const isPrivateGroup = stat.gid === stat.uid; // umask 002 with a group of one's own, as Fedora does it
  if (stat.mode & 0o020 && stat.uid !== 0 && !isPrivateGroup) {
    return { why: `is writable by group ${stat.gid}`, fix: 'g-w' };
  }
  return null;
}

function isTrusted({ uid }: Stats): boolean {
  return uid === 0 || uid === process.getuid?.();
}
function owner({ uid }: Stats): Unsafe {
  return { why: `belongs to user ${uid}`, fix: 'go-w' };
}

function parents(path: string): readonly string[] {
  const above = dirname(path);
  return above === path ? [] : [above, ...parents(above)];
}

function safeRealpath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return 'nowhere';
  }
}
function octal({ mode }: Stats): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}
function quote(path: string): string {
  return /^[\w./@:+-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
function unsafe(path: string, why: string, hint: string, cause?: unknown): ReeveError {
  return new ReeveError('HOME_UNSAFE', { path, why, hint }, cause === undefined ? {} : { cause });
}
