import type { Requester } from '@reeve/contract';
import { ownUserName } from '@reeve/host';

/** Who asks, for the audit and `why`. */
export function actor(): Requester {
  return { kind: 'cli', user: ownUserName(), pid: process.pid };
}
