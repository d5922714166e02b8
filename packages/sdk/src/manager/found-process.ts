import type { ProcessIdentity } from '@reeve/contract';
import { commandOf, identify, readStat, uidOf, userNameOf } from '@reeve/host';
import type { FoundProcess } from './action-result.ts';

/** null: there is no live process with this pid, or it is not the one of `known` any more. */
export function lookUp(pid: number, known?: ProcessIdentity): FoundProcess | null {
  const process = identify(pid);
  const stat = readStat(pid);
  if (process === null || stat === null || stat.start !== process.start) return null;
  if (known && (known.boot !== process.boot || known.start !== process.start)) return null;
  return { pid, name: stat.comm, command: commandOf(stat), user: userNameOf(uidOf(pid)), process };
}
