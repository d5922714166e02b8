import { chownSync, closeSync, constants, openSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import path from 'node:path';
import { LOG_STREAMS, type LogStream, type ProcessIdentity, type SpawnRequest } from '@reeve/contract';
import { isSame, makeFifo } from '@reeve/host';

const { O_RDONLY, O_RDWR, O_NONBLOCK, O_NOFOLLOW } = constants;

/** The descriptors of one stream: `read` is ours and never blocks; `write` is the service's and does. */
interface Ends {
  readonly read: number;
  readonly write: number;
}
export type FifoEnds = Readonly<Record<LogStream, Ends>>;
export type ReadyEnds = Ends;
type FifoName = LogStream | 'ready';
const FIFOS: readonly FifoName[] = [...LOG_STREAMS, 'ready'];

function fifoPath(folder: string, id: string, run: string, stream: FifoName): string {
  return path.join(folder, `${id}.${run}.${stream}`);
}

/**
 * The two FIFOs of a run. The service gets them open for reading and writing, so that neither our death nor our
 * slowness costs it a SIGPIPE or an EAGAIN. They belong to the service's user: `echo x > /dev/stderr` opens them anew.
 */
export function makeFifos(folder: string, { id, run, user }: Pick<SpawnRequest, 'id' | 'run' | 'user'>): FifoEnds {
  const opened: number[] = [];
  const open = (file: string, flags: number): number => {
    const fd = openSync(file, flags | O_NOFOLLOW);
    opened.push(fd);
    return fd;
  };
  const make = (stream: LogStream): Ends => {
    const file = fifoPath(folder, id, run, stream);
    makeFifo(file, 0o600);
    if (user !== null) chownSync(file, user.uid, user.gid);
    return { read: open(file, O_RDONLY | O_NONBLOCK), write: open(file, O_RDWR) };
  };
  try {
    return { out: make('out'), err: make('err') };
  } catch (error) {
    for (const fd of opened) closeSync(fd);
    removeFifos(folder, id, run);
    throw error;
  }
}

/** The FIFO on which a run tells readiness. Like the others it does not break when we die. */
export function makeReadyFifo(folder: string, { id, run }: Pick<SpawnRequest, 'id' | 'run'>): ReadyEnds {
  const file = fifoPath(folder, id, run, 'ready');
  makeFifo(file, 0o600);
  const read = openSync(file, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  try {
    return { read, write: openSync(file, O_RDWR | O_NOFOLLOW) };
  } catch (error) {
    closeSync(read);
    throw error;
  }
}

/** Our end of a FIFO that an earlier keeper made; `null`: it is gone. */
export function reopenFifo(folder: string, id: string, run: string, stream: FifoName): number | null {
  try {
    return openSync(fifoPath(folder, id, run, stream), O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

const NUMBER: Readonly<Record<LogStream, number>> = { out: 1, err: 2 };

/**
 * Our end of a FIFO whose name is gone, through the descriptor of the process that still writes to it: otherwise it
 * would block as soon as the FIFO is full. `null`: it does not hold it (any more), or may not be looked at.
 */
export function reopenRemovedFifo(process: ProcessIdentity, id: string, run: string, stream: LogStream): number | null {
  const link = `/proc/${process.pid}/fd/${NUMBER[stream]}`;
  try {
    if (!isSame(process) || !readlinkSync(link).includes(`/${id}.${run}.${stream}`)) return null;
    return openSync(link, O_RDONLY | O_NONBLOCK);
  } catch {
    return null;
  }
}

export function removeFifos(folder: string, id: string, run: string): void {
  for (const stream of FIFOS) rmSync(fifoPath(folder, id, run, stream), { force: true });
}

/** Removes the FIFOs of unknown runs: an earlier keeper was killed in the middle of a spawn. */
export function removeOtherFifos(folder: string, known: readonly Pick<SpawnRequest, 'id' | 'run'>[]): void {
  const keep = new Set(known.flatMap(({ id, run }) => FIFOS.map((stream) => fifoPath(folder, id, run, stream))));
  for (const name of readdirSync(folder)) {
    const file = path.join(folder, name);
    if (!keep.has(file)) rmSync(file, { force: true });
  }
}
