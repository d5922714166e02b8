import type { ServiceCard } from '@reeve/contract';
import { markChildren } from '../manager/ownership.ts';
import { type AnnouncementInput, readAnnouncement } from './announcement.ts';
import { heldName } from './held-name.ts';
import { checkServiceName } from './names.ts';
import { Owner } from './owner.ts';
import { findPlace, type PlaceOptions } from './place.ts';
import { endProgram, listenForTheEnd, programEnd } from './program-end.ts';
import { readData } from './say-card.ts';

/** What a program that is no `ManagedService` announces, and under which name. */
export interface AnnounceInput extends AnnouncementInput, Pick<PlaceOptions, 'home' | 'cwd'> {
  /** Kebab-case, unique in the project. */
  readonly name: string;
  /** Any JSON object, shown with the announcement. */
  readonly data?: Readonly<Record<string, unknown>>;
}
/** An announcement that stands until it is closed or this program ends. */
export interface Announced extends AsyncDisposable {
  readonly name: string;
  /** Of its files in `$REEVE_HOME/run`: 12 hex digits. */
  readonly id: string;
  /** As every reader sees it. */
  readonly card: ServiceCard | null;
  /** Takes it back: from then on the name is free. */
  close(): Promise<void>;
}

/**
 * Says that this program manages processes under a name: what they are, how to start them and how to clean them up. It
 * can then be found by `PROCESS_MANAGER` and by every capability that is given. A `ManagedService` announces under its
 * own name by its method of the same name. Throws USAGE, `AlreadyRunning` (another process holds the name), HOME_UNSAFE.
 */
export function announceProcessManagement(input: AnnounceInput): Promise<Announced> {
  return open(input, ['PROCESS_MANAGER']);
}

/** Says that this program is there under a name, with what is given. Throws like {@link announceProcessManagement}. */
export function announce(input: AnnounceInput): Promise<Announced> {
  return open(input, []);
}

async function open(input: AnnounceInput, capabilities: readonly string[]): Promise<Announced> {
  checkServiceName(input.name);
  const { announcement, methods } = readAnnouncement(input, capabilities);
  const data = input.data === undefined ? null : readData(input.data).data;
  const place = await findPlace(input.name, input);
  const owner = await Owner.open(place, {
    kind: 'announcement',
    title: null,
    description: announcement.description,
    methods: () => methods,
    shutdown: (reason, timeout) => {
      listenForTheEnd();
      void endProgram({ kind: 'request', reason }, timeout);
    },
    secondInstance: () => null,
  });
  // What it starts carries whose it is, so that it is found when this program is gone.
  if (heldName() === null) markChildren(place.id);
  const { ports, dependencies } = announcement;
  const all = announcement.capabilities;
  owner.say({ state: 'running', ready: true, announcement, ports, dependencies, capabilities: all, data });
  return announced(input.name, place.id, owner);
}

function announced(name: string, id: string, owner: Owner): Announced {
  const close = holdUntilExit(name, owner);
  return {
    name,
    id,
    get card() {
      return owner.presence?.card ?? null;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The name is given back when this program ends in order, or by what is returned. */
export function holdUntilExit(name: string, owner: Owner): () => Promise<void> {
  const onExit = (): void => owner.closeNow(null);
  process.on('exit', onExit);
  const forget = programEnd().stack.add(() => owner.close(null), { name: `name ${name}` }, true);
  return async () => {
    forget();
    process.off('exit', onExit);
    await owner.close(null);
  };
}
