import type { GuardPolicy } from './control.ts';

/**
 * `guard/<id>.json` (`<id>` of the project's folder, service "" and instance 0): what the library asks before a service
 * that was started by hand goes on. Written by the daemon with each `up`, removed by `down`: read without a daemon.
 */
export interface GuardCard {
  readonly format: 1;
  readonly folder: string;
  readonly project: string;
  readonly policy: GuardPolicy;
  /** The services that reeve manages. */
  readonly services: readonly string[];
  /** argv that starts a service under reeve, without its name at the end: `[…, "up", "-d"]`. */
  readonly up: readonly string[];
}

/** null: not one, or of a newer format. */
export function parseGuardCard(text: string): GuardCard | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const card = value as { readonly [K in keyof GuardCard]?: unknown };
  const isPolicy = card.policy === 'warn' || card.policy === 'redirect' || card.policy === 'refuse';
  const isWhole = card.format === 1 && isPolicy && typeof card.folder === 'string' && typeof card.project === 'string';
  return isWhole && isTexts(card.services) && isTexts(card.up) ? (card as GuardCard) : null;
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}
