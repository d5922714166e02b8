import type { CleanUpView, Receipt } from '@reeve/contract';

/** A receipt with how the clean-ups went: one that failed makes it INCOMPLETE, and its time is that of all of it. */
export function withCleanUps(
  receipt: Receipt,
  { views, ms }: { readonly views: readonly CleanUpView[]; readonly ms: number },
): Receipt {
  if (views.length === 0) return receipt;
  const isWell = views.every(({ outcome }) => outcome === 'done');
  const status = isWell ? receipt.status : 'INCOMPLETE';
  return { ...receipt, clean_ups: views, status, ms: Math.round(receipt.ms + ms) };
}

/** Of the services that ran: one that did not run has left nothing since its last clean-up. */
export function ranOf<T>(receipt: Receipt, byService: ReadonlyMap<string, T>): readonly T[] {
  const ran = new Set(receipt.services.map(({ name }) => name));
  return inHand(receipt, new Map([...byService].filter(([name]) => ran.has(name))));
}

/** All but those of services that a newer command has started: nothing is cleaned up below them. */
export function inHand<T>({ taken_over: left = [] }: Receipt, byService: ReadonlyMap<string, T>): readonly T[] {
  const others = new Set(left.map(({ service }) => service));
  return [...byService].flatMap(([name, each]) => (others.has(name) ? [] : [each]));
}
