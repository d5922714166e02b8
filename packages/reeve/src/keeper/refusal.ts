import type { KeeperRefusal } from '@reeve/contract';

/** A request that the keeper answers with an error. */
export class Refused extends Error {
  override readonly name: string = 'Refused';
  readonly code: KeeperRefusal['code'];
  readonly errno: string | null;
  constructor(code: KeeperRefusal['code'], message: string, errno: string | null = null) {
    super(message);
    this.code = code;
    this.errno = errno;
  }
}

/** The system, or its state, does not allow this spawn. `errno`: `ENOENT`, `EACCES`, `EAGAIN`, `E2BIG` … */
export class SpawnRefused extends Refused {
  override readonly name = 'SpawnRefused';
  constructor(errno: string | null, message: string) {
    super('SPAWN_REFUSED', message, errno);
  }
}

/** What {@link Refused} says about any error of a spawn; errors without an errno are bugs and stay what they are. */
export function asSpawnRefusal(error: unknown): unknown {
  const { code, errno, message } = error as NodeJS.ErrnoException;
  if (error instanceof Refused || code === undefined || errno === undefined) return error;
  return new SpawnRefused(code, EXPLAINED[code] ?? message);
}

const EXPLAINED: Readonly<Record<string, string>> = {
  E2BIG: 'its arguments and environment are too long for the system (E2BIG)',
  EAGAIN: 'the system allows no more processes now (EAGAIN)',
  ENOMEM: 'there is not enough memory (ENOMEM)',
  EMFILE: 'the keeper has no file descriptor left (EMFILE)',
  ENFILE: 'the system has no file descriptor left (ENFILE)',
  ENOSPC: 'the disk of the reeve home is full (ENOSPC)',
  ETXTBSY: 'the program is being written by another process: start it when that is done (ETXTBSY)',
  ENOEXEC: 'the program has no format that this system executes (ENOEXEC)',
  ELIBBAD: 'the loader of the program is damaged (ELIBBAD)',
  EACCES: 'the program or its interpreter may not be executed (EACCES)',
};
