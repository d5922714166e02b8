import { chmodSync, chownSync, closeSync, lstatSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import path from 'node:path';
import { CHANNEL_TEXT_BYTES } from '@reeve/contract';
import { after, loadSyscalls, NOTIFY_ENDING, type Syscalls } from '@reeve/host';
import { SpawnRefused } from '../refusal.ts';
import { DatagramPacer, type Told } from './datagram-pacer.ts';

export interface NotifyOrder {
  readonly path: string;
  /** Who may write into it; null: we ourselves. */
  readonly owner: Owner | null;
}
interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Node has the class, but no name for it: a stream over any descriptor that the event loop can wait for. */
interface PipeHandle {
  open(fd: number): number;
  close(): void;
}
interface PipeWrap {
  readonly Pipe: new (type: number) => PipeHandle;
  readonly constants: { readonly SOCKET: number };
}

/** How long until a socket that could not be listened to is tried again (ms). */
const AGAIN = 1_000;

/** Text that is not UTF-8 is not a notification. */
const decoder = new TextDecoder('utf-8', { fatal: true });

/** One for all sockets: what is read into it is dealt with before anything else is read. */
const buffer = Buffer.allocUnsafe(CHANNEL_TEXT_BYTES + 1);

/** Why there can be no notify socket here; null: there can. */
export function whyNoSockets(): string | null {
  const binding = loadSyscalls();
  if (!binding.available) return binding.why;
  try {
    pipeWrap();
    return null;
  } catch (error) {
    return `Node has no pipe_wrap: ${(error as Error).message}`;
  }
}

function pipeWrap(): PipeWrap {
  return (process as unknown as { binding(name: 'pipe_wrap'): PipeWrap }).binding('pipe_wrap');
}

function calls(): Syscalls {
  const binding = loadSyscalls();
  if (binding.available) return binding.calls;
  throw new SpawnRefused('ENOSYS', `no socket can be made for it: ${binding.why}`);
}

/**
 * The datagram socket on which one run speaks sd_notify. Bound before the run's process is; nothing is reported before
 * {@link NotifySocket.begin}. A datagram is read without its descriptors, which closes them: `BARRIER=1` is answered.
 * Who sent it is not known (Node cannot be woken for a descriptor without reading from it, and a read carries no
 * credentials): that the path is new for each run, and that only its user can reach it, stands in for that.
 */
export class NotifySocket {
  readonly #path: string;
  readonly #fd: number;
  readonly #pacer: DatagramPacer;
  #stream: Socket | null = null;
  #isOpen = true;

  /** Throws {@link SpawnRefused} without the binding, or the system's error. */
  constructor({ path: file, owner }: NotifyOrder, tell: Told) {
    const { bindDatagram } = calls();
    this.#path = file;
    if (owner !== null) prepareFolder(path.dirname(file), owner);
    rmSync(file, { force: true }); // a dead keeper's: the run is ours now
    this.#fd = bindDatagram(file);
    if (owner !== null) chownSync(file, owner.uid, owner.gid);
    chmodSync(file, 0o600);
    this.#pacer = new DatagramPacer(tell);
  }

  /** Never throws: a run must not fail for it. Without a descriptor left it tries again; datagrams wait meanwhile. */
  begin(): void {
    if (!this.#isOpen || this.#stream !== null) return;
    try {
      this.#listen();
    } catch {
      after(AGAIN, () => this.begin()).unref();
    }
  }

  #listen(): void {
    const { Pipe, constants } = pipeWrap();
    const handle = new Pipe(constants.SOCKET);
    handle.open(calls().duplicate(this.#fd));
    const callback = (length: number): boolean => {
      this.#take(length);
      return true;
    };
    const options = { handle, readable: true, writable: false, onread: { buffer, callback } };
    const stream = new Socket(options as never); // `handle` is what Node's own servers pass, and not in its types
    // An empty datagram looks like the end of a stream: it is read on by another one.
    stream.on('end', () => stream.destroy());
    stream.on('error', () => stream.destroy());
    stream.on('close', () => {
      if (this.#stream === stream) this.#stream = null;
      if (this.#isOpen) this.begin();
    });
    this.#stream = stream;
    stream.resume();
  }

  /** Takes in what has been sent up to now, before the event loop would, and tells it. */
  drain(): void {
    if (!this.#isOpen) return;
    const { receive } = calls();
    for (let length = receive(this.#fd, buffer); length !== null; length = receive(this.#fd, buffer)) {
      this.#take(length);
    }
    this.#pacer.flush();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#pacer.flush();
    this.#stream?.destroy();
    closeSync(this.#fd);
    removeSocket(this.#path);
  }

  #take(length: number): void {
    const bytes = buffer.subarray(0, length);
    try {
      if (length > CHANNEL_TEXT_BYTES) throw new RangeError('too long');
      const text = decoder.decode(bytes).replace(/[\0\n]+$/, '');
      if (text !== '') this.#pacer.take(text);
    } catch {
      this.#pacer.lose();
    }
  }
}

/** Who owns the socket that a dead keeper has left; null: we ourselves, or there is none. */
export function ownerOf(file: string): Owner | null {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  return stat === undefined || stat.uid === process.getuid?.() ? null : { uid: stat.uid, gid: stat.gid };
}

/** The folder in which a service of another user finds its socket: root's, so that no other user swaps it; its group may enter. */
function prepareFolder(folder: string, { gid }: Owner): void {
  for (const above of [path.dirname(path.dirname(folder)), path.dirname(folder)]) makeFolder(above, 0o755);
  makeFolder(folder, 0o750);
  chownSync(folder, 0, gid);
}

function makeFolder(folder: string, mode: number): void {
  mkdirSync(folder, { recursive: true });
  if (!lstatSync(folder).isDirectory()) throw new SpawnRefused('ENOTDIR', `${folder} is not a folder`);
  chmodSync(folder, mode);
}

function removeSocket(file: string): void {
  rmSync(file, { force: true });
  const folder = path.dirname(file);
  if (!folder.startsWith('/run/reeve/')) return;
  for (const empty of [folder, path.dirname(folder)]) {
    try {
      rmdirSync(empty);
    } catch {
      return; // another run's socket lies in it
    }
  }
}

/** Removes the sockets in a folder of unknown runs: an earlier keeper was killed in the middle of a spawn. */
export function removeOtherSockets(folder: string, known: readonly string[]): void {
  for (const name of readdirSync(folder)) {
    const file = path.join(folder, name);
    if (name.endsWith(NOTIFY_ENDING) && !known.includes(file)) rmSync(file, { force: true });
  }
}
