import type { Actor } from '@reeve/contract';
import { ownUserName } from '@reeve/host';

/** Who asks, for the audit and `why`. */
export function actor(): Actor {
  return { kind: 'cli', user: ownUserName(), pid: process.pid };
}
