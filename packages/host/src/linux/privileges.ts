import { readProc } from './proc-stat.ts';

/** Source: include/uapi/linux/capability.h. */
const CAP_SYS_NICE = 23n;
const CAP_SYS_RESOURCE = 24n;

export const mayLowerNiceness = (): boolean => isCapable(CAP_SYS_NICE);
export const mayRaiseLimits = (): boolean => isCapable(CAP_SYS_RESOURCE);

/** Root in a container may lack what root has elsewhere. Source: proc(5), /proc/PID/status. */
function isCapable(bit: bigint): boolean {
  const [, effective] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readProc('/proc/self/status') ?? '') ?? [];
  return effective !== undefined && ((BigInt(`0x${effective}`) >> bit) & 1n) === 1n;
}
