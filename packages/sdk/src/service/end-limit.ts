import { Worker } from 'node:worker_threads';

/** What a step of the end may need beyond its own limit. Milliseconds. */
const MARGIN = 2000;

/**
 * Runs beside the main thread, which may be stuck: in a handler that never returns, or in a write to a pipe that no process
 * reads. SIGKILL, because only the main thread could end the process in another way.
 */
const WATCH = `
const { workerData } = require('node:worker_threads');
const deadline = new BigInt64Array(workerData);
const look = () => {
  const left = Number(Atomics.load(deadline, 0) - process.hrtime.bigint()) / 1e6;
  if (left <= 0) process.kill(process.pid, 'SIGKILL');
  else setTimeout(look, Math.min(left + 1, 2 ** 31 - 1));
};
look();
`;

/** One a program, also when the package is loaded twice, as a module and as CommonJS. */
const KEY = Symbol.for('@reeve/sdk end limit 1');
const here = globalThis as { [KEY]?: BigInt64Array<SharedArrayBuffer> | undefined };

/** The program ends: from now on every step has a limit, however the main thread is held up. Milliseconds. */
export function limitTheEnd(first: number): void {
  if (here[KEY] !== undefined) return;
  here[KEY] = new BigInt64Array(new SharedArrayBuffer(8));
  allow(first);
  try {
    const options = { eval: true, workerData: here[KEY].buffer, execArgv: [], env: {} };
    const worker = new Worker(WATCH, options);
    worker.on('error', () => undefined);
    worker.unref();
  } catch {
    // No thread to be had: the timers of the main thread must do.
  }
}

/** The next step may take this long, once the program ends. Milliseconds. */
export function allow(limit: number): void {
  const deadline = here[KEY];
  if (deadline === undefined) return;
  Atomics.store(deadline, 0, process.hrtime.bigint() + BigInt(Math.ceil(limit + MARGIN)) * 1_000_000n);
}
