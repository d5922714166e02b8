import { bootId, isSame, listListeners, type SocketOwner } from '@reeve/host';
import type { Eyes } from './offline-view.ts';

/** The eyes of a command that has no daemon to ask. The sockets are read once, when first asked for. */
export function lookAround(): Eyes & { readonly listeners: () => readonly SocketOwner[] } {
  let seen: readonly SocketOwner[] | null = null;
  const listeners = (): readonly SocketOwner[] => {
    seen ??= listListeners();
    return seen;
  };
  return {
    now: Date.now(),
    boot: bootId(),
    isAlive: isSame,
    listeners,
    isListening: (port, protocol) => listeners().some((l) => l.port === port && l.protocol === protocol),
  };
}
