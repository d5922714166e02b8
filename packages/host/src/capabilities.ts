import { closeSync } from 'node:fs';
import { type Binding, loadSyscalls } from './linux/syscalls.ts';

/** What this machine and user can do, each a declared fact: never a silent no-op. */
export interface Capability {
  readonly name: string;
  readonly available: boolean;
  /** How it is had, or why it is not and what is done instead. */
  readonly why: string;
}

/** What the host package itself finds; the platform adds its own (cgroup). */
export function capabilities(binding: Binding = loadSyscalls()): readonly Capability[] {
  if (!binding.available) {
    return [
      { name: 'binding', available: false, why: binding.why },
      { name: 'pidfd', available: false, why: 'no binding: identities are verified immediately before kill(2)' },
      { name: 'flock', available: false, why: 'no binding: locks are held by a child `flock`' },
      { name: 'notify', available: false, why: 'no binding: `ready: notify` and `health.watchdog` are refused' },
    ];
  }
  return [
    { name: 'binding', available: true, why: 'koffi' },
    pidfd(binding.calls),
    { name: 'flock', available: true, why: 'flock(2)' },
    { name: 'notify', available: true, why: 'a datagram socket for each run' },
  ];
}

function pidfd(calls: Extract<Binding, { available: true }>['calls']): Capability {
  try {
    const fd = calls.pidfdOpen(process.pid);
    if (fd !== null) closeSync(fd);
    return { name: 'pidfd', available: true, why: 'pidfd_open(2)' };
  } catch (error) {
    return { name: 'pidfd', available: false, why: `${(error as Error).message}: kill(2) is used instead` };
  }
}
