/** What the threads and children that we start from now on inherit. Each call throws where it is not permitted. */
export interface SchedulingCalls {
  /** The usual policy, instead of batch, idle or a real-time one. Source: sched_setscheduler(2), SCHED_OTHER. */
  scheduleAsUsual(): void;
  /** Every CPU that our cpuset has. Source: sched_setaffinity(2). */
  useAllCpus(): void;
  /** Disk access as the niceness has it. Source: ioprio_set(2), IOPRIO_CLASS_NONE. */
  accessDisksAsUsual(): void;
  /** No real-time signal is ignored any more: Node does this for the others only. Source: signal(7). */
  handleSignalsAsUsual(): void;
}

type Call = (...args: readonly unknown[]) => number;
/** The one call here that glibc does not wrap. Source: syscalls of Linux. */
const SYS_IOPRIO_SET: Partial<Record<NodeJS.Architecture, number>> = {
  x64: 251,
  arm64: 30,
  riscv64: 30,
  loong64: 30,
  arm: 314,
  ppc64: 273,
  s390x: 282,
};
const IOPRIO_WHO_PROCESS = 1;
const SCHED_OTHER = 0;
/** The first two belong to glibc. */
const REAL_TIME = { first: 34, last: 64 };
/** Bytes of a mask of 8192 CPUs, the most that Linux has. */
const CPU_MASK = 1024;

export function bindScheduling(
  libc: { func(definition: string): Call },
  must: (result: number, call: string) => number,
): SchedulingCalls {
  const setScheduler = libc.func('int sched_setscheduler(int pid, int policy, const int *priority)');
  const setAffinity = libc.func('int sched_setaffinity(int pid, size_t size, const uint8 *mask)');
  const setIoPriority = libc.func('long syscall(long number, int which, int who, int priority)');
  const signal = libc.func('void *signal(int number, void *handler)');
  return {
    scheduleAsUsual: () => void must(setScheduler(0, SCHED_OTHER, [0]), 'sched_setscheduler'),
    useAllCpus: () => void must(setAffinity(0, CPU_MASK, new Uint8Array(CPU_MASK).fill(0xff)), 'sched_setaffinity'),
    accessDisksAsUsual() {
      const number = SYS_IOPRIO_SET[process.arch];
      if (number !== undefined) must(setIoPriority(number, IOPRIO_WHO_PROCESS, 0, 0), 'ioprio_set');
    },
    handleSignalsAsUsual() {
      for (let number = REAL_TIME.first; number <= REAL_TIME.last; number++) signal(number, null);
    },
  };
}
