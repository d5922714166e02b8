import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { type Channels, NO_CHANNELS, type SpawnRequest } from '@reeve/contract';
import type { Journal } from '../journal/journal.ts';
import { makeReadyFifo, type ReadyEnds, reopenFifo } from '../spawn/fifos.ts';
import type { HeldSockets } from './held-sockets.ts';
import { IpcChannel } from './ipc-channel.ts';
import { type NotifyOrder, NotifySocket, ownerOf } from './notify-socket.ts';
import { ReadyDescriptor } from './ready-descriptor.ts';

export interface ChannelsWorld {
  readonly fifos: string;
  readonly journal: Journal;
  readonly sockets: HeldSockets;
  readonly report: (message: string) => void;
}
type Whose = Pick<SpawnRequest, 'run' | 'id' | 'channels'>;

/** What the process of a run is given beside its streams. */
export interface GivenChannels {
  readonly wanted: Channels;
  /** Our descriptors of the listening sockets, in order. */
  readonly listen: readonly number[];
  readonly ready: number | null;
}

/** The channels of one run, at our end. They are there before its process is, and speak only when it is known. */
export class RunChannels {
  readonly #journal: Journal;
  readonly #report: (message: string) => void;
  readonly #whose: { readonly run: string; readonly id: string };
  readonly #notify: NotifySocket | null;
  readonly #ready: ReadyDescriptor | null;
  #ipc: IpcChannel | null = null;

  /** Before the spawn. Throws {@link SpawnRefused} or the system's error. */
  static open(
    request: Whose & Pick<SpawnRequest, 'user'>,
    world: ChannelsWorld,
  ): { readonly channels: RunChannels; readonly given: GivenChannels } {
    const wanted = request.channels ?? NO_CHANNELS;
    const listen = wanted.listen.map(({ key }) => world.sockets.descriptorOf(key));
    const ready = wanted.ready_fd === null ? null : makeReadyFifo(world.fifos, request);
    try {
      const channels = new RunChannels(request, world, ready, notifyOrder(wanted.notify, request.user));
      return { channels, given: { wanted, listen, ready: ready?.write ?? null } };
    } catch (error) {
      for (const fd of ready === null ? [] : [ready.read, ready.write]) closeSync(fd);
      throw error;
    }
  }

  /** Of a run that an earlier keeper started: what can be had of them again. Its Node channel ended with that keeper. */
  static again(
    whose: { readonly run: string; readonly id: string },
    { notify, ready_fd, ipc }: Channels,
    world: ChannelsWorld,
  ): RunChannels {
    const read = ready_fd === null ? null : reopenFifo(world.fifos, whose.id, whose.run, 'ready');
    const ready = read === null ? null : { read };
    if (ipc) world.journal.append({ kind: 'ipc', run: whose.run, id: whose.id, lost: 0 });
    try {
      return new RunChannels(whose, world, ready, notify === null ? null : { path: notify, owner: ownerOf(notify) });
    } catch (error) {
      world.report(`the notify socket of run ${whose.run} cannot be bound again: ${(error as Error).message}`);
      return new RunChannels(whose, world, ready, null);
    }
  }

  private constructor(
    { run, id }: { readonly run: string; readonly id: string },
    { journal, report }: ChannelsWorld,
    ready: Pick<ReadyEnds, 'read'> | null,
    notify: NotifyOrder | null,
  ) {
    this.#journal = journal;
    this.#report = report;
    this.#whose = { run, id };
    const tell = (text: string, lost: number): void => {
      journal.append({ kind: 'notified', ...this.#whose, text, lost });
    };
    const tellReady = (isReady: boolean): void => {
      journal.append({ kind: 'ready_fd', ...this.#whose, ready: isReady });
    };
    this.#notify = notify === null ? null : new NotifySocket(notify, tell);
    this.#ready = ready === null ? null : new ReadyDescriptor(ready.read, tellReady);
  }

  /** The process is there: its Node channel is the descriptor with this number. */
  attach(child: ChildProcess, ipc: number | null): void {
    const socket = ipc === null ? null : (child.stdio[ipc] as Socket);
    if (socket === null) return;
    this.#ipc = new IpcChannel(socket, (message, lost) => {
      const said = message === undefined ? {} : { message };
      this.#journal.append({ kind: 'ipc', ...this.#whose, ...said, lost });
    });
  }

  begin(): void {
    this.#notify?.begin();
    this.#ready?.begin();
    this.#ipc?.begin();
  }

  /** What was said up to now is reported before anything else is. Never throws: an exit must not be lost for it. */
  drain(): void {
    try {
      this.#notify?.drain();
    } catch (error) {
      this.#report(`the notify socket of run ${this.#whose.run} cannot be read: ${(error as Error).message}`);
    }
  }

  close(): void {
    this.#notify?.close();
    this.#ready?.close();
    this.#ipc?.close();
  }
}

function notifyOrder(path: string | null, owner: SpawnRequest['user']): NotifyOrder | null {
  return path === null ? null : { path, owner };
}

/** The variables that name descriptors. `LISTEN_PID` can only be set by the process itself. */
export function channelVariables(
  { listen }: Channels,
  { ipc }: { readonly ipc: number | null },
): Readonly<Record<string, string>> {
  const sockets = { LISTEN_FDS: String(listen.length), LISTEN_FDNAMES: listen.map(({ name }) => name).join(':') };
  const channel = { NODE_CHANNEL_FD: String(ipc), NODE_CHANNEL_SERIALIZATION_MODE: 'json' };
  return { ...(listen.length > 0 ? sockets : {}), ...(ipc === null ? {} : channel) };
}
