import { userInfo } from 'node:os';
import type { Actor } from '@reeve/contract';

/** Who asks, for the audit and `why`. */
export function actor(): Actor {
  return { kind: 'cli', user: userName(), pid: process.pid };
}

/** A user without an entry in the password file has a number only. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
