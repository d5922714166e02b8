import type { Receipt, ReeveError } from '@reeve/contract';

/** What a receipt says of the end. */
export type Ended = Pick<Receipt, 'status' | 'survivors' | 'clean_ups' | 'taken_over'>;

/**
 * How an operation ended, for the audit log: `done`, `failed` (it was carried out, and something is left), or `refused`
 * with the code of the error. Null: done, without a receipt.
 */
export function auditOutcome(end: Ended | ReeveError | 'INTERNAL' | null): string {
  if (end === null) return 'done';
  if (end === 'INTERNAL') return 'failed: INTERNAL (exit code 1)';
  if ('code' in end) return `refused: ${end.code} (exit code ${end.exit})`;
  const left = end.survivors.map(({ pid }) => `pid ${pid}`);
  const cleanUps = (end.clean_ups ?? []).flatMap(({ service, outcome }) =>
    outcome === 'done' ? [] : [`clean-up of ${service} ${outcome}`],
  );
  const others = (end.taken_over ?? []).map(({ service, by }) => `${service} taken over by ${by}`);
  const word = end.status === 'COMPLETE' ? 'done' : 'failed';
  const details = [...left, ...cleanUps, ...others].join(', ');
  return details === '' ? word : `${word}: ${details}`;
}
