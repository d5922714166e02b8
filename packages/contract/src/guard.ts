import type { GuardPolicy } from './control.ts';
import { isTexts, parseJsonObject } from './json.ts';

/**
 * `guard/<id>.json` (`<id>` of the project's folder, service "" and instance 0): what the library asks before a service
 * that was started manually continues. Written by the daemon with each `up`, removed by `down`: read without a daemon.
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
  const card: { readonly [K in keyof GuardCard]?: unknown } | null = parseJsonObject(text);
  if (card === null) return null;
  const isPolicy = card.policy === 'warn' || card.policy === 'redirect' || card.policy === 'refuse';
  const isWhole = card.format === 1 && isPolicy && typeof card.folder === 'string' && typeof card.project === 'string';
  return isWhole && isTexts(card.services) && isTexts(card.up) ? (card as unknown as GuardCard) : null;
}
