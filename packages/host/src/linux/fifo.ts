import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { type Binding, loadSyscalls } from './syscalls.ts';

/** Makes a FIFO with exactly this mode, whatever the umask; without the binding by the `mkfifo` program. Throws EEXIST with the binding. */
export function makeFifo(path: string, mode: number, binding: Binding = loadSyscalls()): void {
  if (binding.available) {
    binding.calls.mkfifo(path, mode);
    chmodSync(path, mode);
    return;
  }
  execFileSync('mkfifo', ['-m', mode.toString(8), '--', path], { stdio: ['ignore', 'ignore', 'pipe'] });
}
