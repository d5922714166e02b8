import { ReeveError } from '@reeve/contract';

/** The registry takes nothing now: the disk is full, read-only or failing. It may again later. */
export function isUnwritable(error: unknown): error is ReeveError {
  return error instanceof ReeveError && (error.code === 'DISK_FULL' || error.code.startsWith('REGISTRY_'));
}
