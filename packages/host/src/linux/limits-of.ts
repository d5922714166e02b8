import { readProc } from './proc-stat.ts';
import { LIMIT_NAMES, type Limit, type LimitName } from './syscalls.ts';

export const UNLIMITED: bigint = 2n ** 64n - 1n;
/** As the kernel names them there. Source: proc(5), /proc/PID/limits. */
const TITLES: Readonly<Record<LimitName, string>> = {
  cpu: 'Max cpu time',
  fsize: 'Max file size',
  data: 'Max data size',
  stack: 'Max stack size',
  core: 'Max core file size',
  rss: 'Max resident set',
  nproc: 'Max processes',
  nofile: 'Max open files',
  memlock: 'Max locked memory',
  as: 'Max address space',
  locks: 'Max file locks',
  sigpending: 'Max pending signals',
  msgqueue: 'Max msgqueue size',
  nice: 'Max nice priority',
  rtprio: 'Max realtime priority',
  rttime: 'Max realtime timeout',
};

/** Empty when the process has ended. Any user may look. */
export function limitsOf(pid: number): ReadonlyMap<LimitName, Limit> {
  return parseLimits(readProc(`/proc/${pid}/limits`) ?? '');
}

export function parseLimits(text: string): ReadonlyMap<LimitName, Limit> {
  const limits = new Map<LimitName, Limit>();
  for (const name of LIMIT_NAMES) {
    const [, soft, hard] =
      new RegExp(`^${TITLES[name]}\\s+(\\d+|unlimited)\\s+(\\d+|unlimited)\\s`, 'm').exec(text) ?? [];
    if (soft !== undefined && hard !== undefined) limits.set(name, { soft: amount(soft), hard: amount(hard) });
  }
  return limits;
}

const amount = (text: string): bigint => (text === 'unlimited' ? UNLIMITED : BigInt(text));
