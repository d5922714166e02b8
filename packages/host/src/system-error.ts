import { ReeveError } from '@reeve/contract';

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);
const REFUSED: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS']);

/**
 * What the system refused, in the words of the catalogue: a full disk is not a fault of the program. null: it is not an error
 * of a system call, or one that should not have happened.
 */
export function systemError(error: unknown): ReeveError | null {
  if (!(error instanceof Error)) return null;
  const { code = '', path, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined && path === undefined) return null;
  const options = { cause: error };
  if (FULL.has(code)) return new ReeveError('DISK_FULL', { path: path ?? 'the disk' }, options);
  if (REFUSED.has(code)) {
    const hint = path === undefined ? undefined : `look at who owns it: ls -ld ${path}`;
    return new ReeveError('NOT_PERMITTED', { message: error.message, hint }, options);
  }
  return null;
}
