import { bootTicks } from '@reeve/host';
import { type CpuSample, cpuPercent, nextSample } from '../core/cpu.ts';
import type { FoundProcess, Listener, Owners } from '../core/interfaces.ts';
import { keptFor } from '../core/picture-age.ts';
import { instancePort } from '../core/spec/environment.ts';
import type { LiveRun } from './instance-handle.ts';
import { OpenPorts } from './open-ports.ts';
import { lookAtOwners, type Scene } from './owners.ts';

/** What one look at all processes of the machine has found, for all projects. */
export interface Picture {
  /** When it was taken (wall clock). */
  readonly at: number;
  /** By run. */
  readonly use: ReadonlyMap<string, Use>;
  readonly owners: Owners;
  /** Empty when there is no process to name: to know which one listens, every descriptor of every process has to be read. */
  readonly listeners: readonly Listener[];
}
export interface Use {
  /** Bytes. */
  readonly memory: number;
  readonly cpu: number | null;
}

/**
 * The last picture, kept for a while: a list is asked for all day, and looking at everything costs the same whether
 * much has happened or nothing. Without a question nothing is looked at.
 */
export class Pictures {
  readonly openPorts: OpenPorts;
  readonly #scene: Scene;
  #last: Picture | null = null;
  #until = 0;
  #changes = 0;
  #coming: Promise<Picture> | null = null;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.openPorts = new OpenPorts(scene.deps);
  }

  /** The one that is kept, or a new one when it is too old. */
  latest(): Promise<Picture> {
    const isKept = this.#scene.deps.clock.monotonic() < this.#until;
    return isKept && this.#last ? Promise.resolve(this.#last) : this.taken();
  }

  /** A new one, or the one that is being taken. */
  taken(): Promise<Picture> {
    if (this.#coming) return this.#coming;
    const coming = this.#take().finally(() => {
      if (this.#coming === coming) this.#coming = null;
    });
    this.#coming = coming;
    return coming;
  }

  /** A command has changed something: the next list must not show how things were before. */
  forget(): void {
    this.#until = 0;
    this.#coming = null;
    this.#changes++;
  }

  async #take(): Promise<Picture> {
    const { clock } = this.#scene.deps;
    const changes = this.#changes;
    const before = process.cpuUsage();
    const picture = await takePicture(this.#scene);
    const { user, system } = process.cpuUsage(before);
    if (changes !== this.#changes) return picture;
    this.#last = picture;
    this.#until = clock.monotonic() + keptFor((user + system) / 1000);
    return picture;
  }
}

async function takePicture(scene: Scene): Promise<Picture> {
  const { platform, clock } = scene.deps;
  const at = clock.now();
  const { owners, found } = await lookAtOwners(scene);
  const isSomebodyNamed = owners.strays.length > 0 || isSquattedOn(scene);
  const listeners = isSomebodyNamed ? await platform.listeners() : [];
  const ticks = bootTicks();
  const use = new Map([...found].map(([live, all]) => [live.row.run, useOf(live, all, ticks)]));
  return { at, use, owners, listeners };
}

/** What the last look has seen of a run. */
const samples = new WeakMap<LiveRun, CpuSample>();

function useOf(live: LiveRun, found: readonly FoundProcess[], at: number): Use {
  const { main } = live.processes.marks;
  const memory = found.reduce((sum, p) => sum + p.memory, 0);
  if (main === null) return { memory, cpu: null };
  const used = found.reduce((sum, { cpu }) => sum + cpu, 0);
  const now = { at, used };
  const before = samples.get(live) ?? null;
  samples.set(live, nextSample(now, before));
  return { memory, cpu: cpuPercent(now, before, main.start) };
}

/** A process listens on a port that is declared by a service without a process. */
function isSquattedOn({ deps, projects }: Scene): boolean {
  const idle = [...projects.values()].flatMap((project) => project.instances()).filter((i) => !i.isAlive());
  const wanted = new Set(
    idle.flatMap((i) => i.spec.ports.map((port) => `${port.protocol} ${instancePort(port, i.index)}`)),
  );
  return wanted.size > 0 && deps.platform.sockets().some(({ port, protocol }) => wanted.has(`${protocol} ${port}`));
}
