import { DETACHED_MARK } from '@reeve/contract';
import { type Carried, carriedIn, filesOf, markOf, parseEnviron, readProc, readProcOf, type Stat } from '@reeve/host';

/** What a process carries that says whose it is. */
export interface Traits {
  /** `REEVE_RUN` of its environment, or {@link NO_RUN}. */
  readonly cookie: string | null;
  /** The limit mark it was born with. */
  readonly mark: number | null;
  /** The run whose output it holds open. */
  readonly stream: string | null;
  /** It is a keeper of this home. */
  readonly isKeeper: boolean;
  /** The card of the service that was started manually and has started it. */
  readonly owner: string | null;
  /** It is to be left alone, says its environment. */
  readonly isDetached: boolean;
  /** All that its environment says, when that names a run or a card. */
  readonly carried: Carried | null;
}
export interface TraitSwitches {
  readonly cookie: boolean;
  readonly mark: boolean;
  readonly stream: boolean;
}

/** Stands for the run of a daemon or keeper, which belong to none. No run is called so, they are hex. */
export const NO_RUN = 'daemon';
const NONE: Traits = {
  cookie: null,
  mark: null,
  stream: null,
  owner: null,
  isKeeper: false,
  isDetached: false,
  carried: null,
};

interface Entry extends Traits {
  readonly start: number;
  readonly image: string;
  /** Whether the dearer two have been looked at. */
  readonly whole: boolean;
}

export interface TraitReader {
  /**
   * The traits of all live processes. `since`: the start tick of the oldest run; who is older belongs to none, and only
   * its cookie is read.
   */
  read(live: readonly Stat[], since: number): (pid: number) => Traits;
}

/**
 * Reads each once and keeps it until the process ends or executes another program. A mark is inherited and no program
 * changes it by accident; it is asked for only where the cookie does not tell, and descriptors only where the mark
 * does not tell either.
 */
export function traitReader(home: string, on: TraitSwitches): TraitReader {
  let known = new Map<number, Entry>();
  return {
    read(live, since) {
      const next: typeof known = new Map();
      for (const stat of live) next.set(stat.pid, readEntry(stat, known.get(stat.pid), since));
      known = next;
      return (pid) => next.get(pid) ?? NONE;
    },
  };

  function readEntry(stat: Stat, before: Entry | undefined, since: number): Entry {
    const { pid, start, image } = stat;
    const same = before?.start === start ? before : null;
    const unchanged = same?.image === image ? same : null;
    const { cookie, owner, isDetached, carried } = unchanged ?? readEnviron(pid, on);
    const plain = { ...NONE, start, image, cookie, owner, isDetached, carried, whole: false };
    if (cookie === NO_RUN) return { ...plain, isKeeper: unchanged ? unchanged.isKeeper : isKeeper(pid, home) };
    if (cookie !== null || start < since || isKernelThread(stat)) return plain;
    if (unchanged?.whole) return unchanged;
    const mark = same?.mark ?? (on.mark ? markOf(pid) : null);
    const stream = mark === null && on.stream ? streamOf(pid, home) : null;
    return { ...plain, mark, stream, whole: true };
  }
}

/** Children of kthreadd: they have neither limits nor descriptors of a service. */
function isKernelThread({ pid, ppid }: Stat): boolean {
  return ppid === 2 || pid === 2;
}

/** A daemon or keeper is known as one even where cookies are not asked for. */
function readEnviron(pid: number, on: TraitSwitches): Pick<Traits, 'cookie' | 'owner' | 'isDetached' | 'carried'> {
  const text = readProcOf(pid, 'environ');
  if (!text?.includes('REEVE_')) return NONE;
  const carried = carriedIn(parseEnviron(text), { cgroup: null, mark: null });
  const { run, owner, isReeve, isDetached } = carried;
  if (isReeve) return { cookie: NO_RUN, owner: null, isDetached: false, carried: null };
  const cookie = on.cookie ? run : null;
  return { cookie, owner, isDetached, carried: cookie === null && owner === null ? null : carried };
}

export function saysDetached(environ: ReadonlyMap<string, string>): boolean {
  return environ.get(DETACHED_MARK) === '1';
}

/** `node …/keeper.js HOME`; a keeper that came beside an older one has a folder of the home. */
function isKeeper(pid: number, home: string): boolean {
  const [, program = '', folder = ''] = (readProc(`/proc/${pid}/cmdline`) ?? '').split('\0');
  return /keeper\.[mc]?js$/.test(program) && (folder === home || folder.startsWith(`${home}/`));
}

/** A FIFO is named `<id>.<run>.<stream>`; the kernel adds to the name when it is removed. */
const FIFO = /\/[0-9a-f]{12}\.([^./]+)\.(?:out|err)(?: \(deleted\))?$/;

function streamOf(pid: number, home: string): string | null {
  for (const file of filesOf(pid)?.values() ?? []) {
    const run = file.startsWith(`${home}/`) ? FIFO.exec(file)?.[1] : undefined;
    if (run !== undefined) return run;
  }
  return null;
}
