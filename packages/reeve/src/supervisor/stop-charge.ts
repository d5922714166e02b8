import type { TakenOver } from '@reeve/contract';
import { after } from '@reeve/host';
import { KILL_BUDGET } from '../core/lifecycle/steps-stop.ts';
import { runOf } from '../core/lifecycle/table.ts';
import type { Instance } from './instance.ts';
import type { Actor, Remains } from './instance-handle.ts';
import type { ManagedService, Project } from './project.ts';
import { remainsOf } from './run/run-teardown.ts';
import type { Supervisor } from './supervisor.ts';

/** No process is killed that has not had the stop signal for so long (milliseconds), unless `--force` asks for it. */
const LEAST_ASKED = 1_000;

/** A run that was there when the stop was asked for. A later run of the instance is none of its business. */
interface Charged {
  readonly service: ManagedService;
  readonly instance: Instance;
  readonly run: string;
  remains: Remains | null;
}

/**
 * What one stop command has in its hands: the runs of its moment, for as long as no newer command wants something of
 * their services. An intent is of one generation.
 */
export class StopCharge implements Disposable {
  readonly #supervisor: Supervisor;
  readonly #generations: ReadonlyMap<ManagedService, number>;
  readonly #charged: readonly Charged[];
  readonly #byInstance: ReadonlyMap<Actor, Charged>;
  /** Those whose run is neither over nor given up: a change is a matter of its own instance alone. */
  readonly #open = new Set<Charged>();
  readonly #taking = new Map<Charged, Promise<void>>();
  readonly #unlisten: () => void;
  #onSettled: (() => void) | null = null;

  /** The intent of the command is down already. */
  constructor(supervisor: Supervisor, project: Project, names: readonly string[]) {
    this.#supervisor = supervisor;
    const services = names.map((name) => project.service(name));
    this.#generations = new Map(services.map((service) => [service, service.intent.generation]));
    this.#charged = services.flatMap((service) =>
      service.instances.flatMap((instance) => {
        const run = runOf(instance.machine.state);
        return run === null ? [] : [{ service, instance, run, remains: null }];
      }),
    );
    this.#byInstance = new Map(this.#charged.map((each) => [each.instance, each]));
    for (const each of this.#charged) this.#note(each);
    this.#unlisten = supervisor.onChange((instance) => this.#changed(instance));
  }

  [Symbol.dispose](): void {
    this.#unlisten();
  }

  isTakenOver(service: ManagedService): boolean {
    return service.intent.want === 'up' || service.intent.generation !== this.#generations.get(service);
  }

  get takenOver(): readonly TakenOver[] {
    return [...this.#generations.keys()]
      .filter((service) => this.isTakenOver(service))
      .map((service) => ({ service: service.row.spec.name, by: service.wantedBy ?? service.intent.by }));
  }

  /** true: every run is over, or reeve has given up on it; false: the limit (ms) is over. */
  async settled(limit: number): Promise<boolean> {
    if (this.#isSettled) return true;
    return new Promise((resolve) => {
      const finish = (result: boolean): void => {
        timer.cancel();
        this.#onSettled = null;
        resolve(result);
      };
      const timer = after(limit, () => finish(false));
      this.#onSettled = () => finish(true);
    });
  }

  /** The limit is over: processes that have not been asked are asked now, whatever the order, and killed soon. */
  async hurry(): Promise<void> {
    this.#hurry(LEAST_ASKED);
    await this.settled(LEAST_ASKED + KILL_BUDGET);
  }

  /** No patience at all: SIGKILL at once. */
  force(): void {
    this.#hurry(0);
  }

  /** What is left of the runs of a service for the receipt, those included that would not end. */
  async remains(name: string): Promise<readonly Remains[]> {
    const own = this.#charged.filter(({ service }) => service.row.spec.name === name);
    await Promise.all(own.map((each) => this.#taking.get(each)));
    return own.flatMap((each) => each.remains ?? this.#present(each) ?? []);
  }

  /** Whether this command has seen the run end; the keeper may report that end later. */
  hasEnded(run: string): boolean {
    return this.#charged.some((each) => each.run === run && isOver(each));
  }

  /** Instances with a run that would not end, and that is still in the hands of this command. */
  get left(): readonly Instance[] {
    return this.#inHand.filter(({ instance }) => instance.isAlive()).map(({ instance }) => instance);
  }

  get #inHand(): readonly Charged[] {
    return this.#charged.filter((each) => !isOver(each) && !this.isTakenOver(each.service));
  }

  get #isSettled(): boolean {
    return this.#open.size === 0;
  }

  #hurry(grace: number): void {
    for (const { instance } of this.#inHand) {
      instance.post({ name: 'stop', cause: { kind: 'asked' } });
      instance.post({ name: 'hurry', grace });
    }
  }

  #changed(instance: Actor | null): void {
    const own = instance && this.#byInstance.get(instance);
    for (const each of instance === null ? this.#charged : own ? [own] : []) this.#note(each);
    if (this.#isSettled) this.#onSettled?.();
  }

  #note(each: Charged): void {
    if (isOver(each) || each.instance.machine.state.name === 'failed') this.#open.delete(each);
    else this.#open.add(each);
    if (isOver(each) && !this.#taking.has(each)) this.#taking.set(each, this.#take(each));
  }

  /** What a run leaves is taken before the next one can: it is there once its end is written down and carried out. */
  async #take(each: Charged): Promise<void> {
    await this.#supervisor.outbox.written();
    try {
      each.remains = this.#present(each);
    } catch (err) {
      // The caller asks again, and gets the reason.
      this.#supervisor.deps.log.error({ err, run: each.run }, 'what a run has left could not be listed');
    }
  }

  #present({ instance, run }: Charged): Remains | null {
    if (instance.remains?.run === run) return instance.remains;
    return instance.live?.row.run === run ? remainsOf(instance, instance.live) : null;
  }
}

function isOver({ instance, run }: Charged): boolean {
  return runOf(instance.machine.state) !== run;
}
