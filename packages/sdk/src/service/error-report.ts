import { ReeveError } from '@reeve/contract';
import { AlreadyRunning } from './already-running.ts';
import { stackOf } from './report.ts';

/** As the command line has them: 5 for another copy that runs, 2 for a wrong name, 1 for anything unexpected. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof AlreadyRunning && error.handedOver) return 0;
  return error instanceof ReeveError ? error.exit : 1;
}

/** What a person should see: the stack only of unexpected errors. */
export function describeError(error: unknown): string {
  if (error instanceof ReeveError) return `${error.message}${error.hint === null ? '' : `\n  ${error.hint}`}`;
  return stackOf(error);
}
