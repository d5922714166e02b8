import type { Exit, ProcessIdentity, ServiceSpec } from '@reeve/contract';
import { type Instant, iso } from '../base/instant.ts';
import { NOTHING_SAID, type Notified } from '../core/announced/notified.ts';
import { mayBeAlive, NEW_MACHINE, resume, runOf, transition } from '../core/lifecycle/table.ts';
import type { Effect, Event, Machine, Policy } from '../core/lifecycle/types.ts';
import { type Health, UNCHECKED } from '../core/restart/health.ts';
import { canonical } from '../core/spec/canonical.ts';
import { maskValues } from '../core/spec/environment.ts';
import { reasonOf } from '../core/view.ts';
import { recallSaid } from './checks/notifications.ts';
import type { InstanceHost, LiveRun, ProjectFacts, Remains, RunOwner, StopCommandRun } from './instance-handle.ts';
import type { EventRef } from './outbox.ts';
import { Hands } from './run/effect-runner.ts';
import { RunEnding } from './run/run-teardown.ts';

/**
 * One instance: its mailbox and its machine. Its hands carry the machine's effects out. No other code writes its state.
 * An event posted while another is handled waits its turn.
 */
export class Instance implements RunOwner {
  readonly project: ProjectFacts;
  readonly index: number;
  readonly id: string;
  readonly host: InstanceHost;
  spec: ServiceSpec;
  machine: Machine = NEW_MACHINE;
  health: Health = UNCHECKED;
  notified: Notified = NOTHING_SAID;
  pingedAt: Instant | null = null;
  remains: Remains | null = null;
  stopCommand: StopCommandRun | null = null;
  previous: Exit | null = null;
  last: EventRef | null = null;
  /** The services that its start waits for, where the chain ends. */
  heldBy: readonly string[] = [];
  /** The event of a signal that a person sent to the present run. */
  signalled: EventRef | null = null;
  /** Of the last run that this daemon has seen; null: none yet. */
  #secrets: readonly string[] | null = null;
  #lacking: string | null = null;
  #live: LiveRun | null = null;
  readonly #mail: Event[] = [];
  #isHandling = false;
  readonly #ending = new RunEnding(this);
  readonly #hands = new Hands(this, this.#ending);

  constructor(project: ProjectFacts, spec: ServiceSpec, index: number, host: InstanceHost) {
    this.project = project;
    this.spec = spec;
    this.index = index;
    this.host = host;
    this.id = host.deps.instanceId(project.row.folder, spec.name, index);
  }

  get selector(): string {
    return this.spec.instances > 1 ? `${this.spec.name}:${this.index}` : this.spec.name;
  }

  get lacking(): string | null {
    return this.#lacking;
  }
  set lacking(lacking: string | null) {
    if (lacking === this.#lacking) return;
    this.#lacking = lacking;
    if (lacking !== null) this.host.changed(this); // a client that waits for it shows why
  }

  get live(): LiveRun | null {
    return this.#live;
  }
  set live(live: LiveRun | null) {
    this.host.attached(this, this.#live?.row.run ?? null, live?.row.run ?? null);
    this.#live = live;
  }

  post(event: Event): void {
    this.#mail.push(event);
    if (this.#isHandling) return;
    this.#isHandling = true;
    try {
      for (let next = this.#mail.shift(); next; next = this.#mail.shift()) this.#handle(next);
    } finally {
      this.#isHandling = false;
    }
  }

  #handle(event: Event): void {
    const before = this.machine;
    const { machine, effects } = transition(before, event, this.#context());
    if (machine.state === before.state && machine.cascade === before.cascade && effects.length === 0) return;
    this.machine = machine;
    if (machine.epoch !== before.epoch) this.#hands.leave();
    if ('last' in before.state && before.state.last) this.previous = before.state.last;
    if (event.name === 'exited') this.#ending.noteExit(event.exit);
    if (machine.state.name === 'spawning') {
      this.#ending.begin();
      this.signalled = null;
    }
    this.save();
    for (const effect of effects) this.#plan(effect);
    this.host.changed(this);
  }

  #context() {
    const { clock, chance } = this.host.deps;
    return {
      now: clock.monotonic(),
      at: iso(clock.now()),
      policy: this.policy(),
      lacking: this.lacking,
      aftermath: { ...this.#ending.aftermath, missing: this.#missing() },
      chance: chance(),
    };
  }

  /** Asked only where it counts: the answer needs a look at the whole project. */
  #missing(): string | null {
    return this.machine.state.name === 'stopping' ? this.project.dependencyThatIsDown(this.spec.name) : null;
  }

  /** What reeve itself acts on holds from now on; what the process was started with is a matter of its next start. */
  takeSpec(spec: ServiceSpec): void {
    const before = this.spec;
    this.spec = spec;
    if (this.live && canonical(before.health) !== canonical(spec.health)) this.#hands.takeHealth(this.live);
  }

  policy(): Policy {
    const { spec } = this;
    return {
      name: spec.name,
      oneshot: spec.oneshot,
      restart: spec.restart,
      stop: spec.stop,
      readyTimeout: spec.oneshot ? null : spec.ready_timeout,
      restartWhenUnhealthy: spec.on_unhealthy === 'restart',
    };
  }

  save(): void {
    const { registry, clock } = this.host.deps;
    const { machine } = this;
    const row = {
      folder: this.project.row.folder,
      service: this.spec.name,
      index: this.index,
      state: machine.state.name,
      reason: reasonOf(machine.state, this.lacking),
      restarts: machine.ledger.restarts,
      machine,
      at: clock.now(),
    };
    this.host.outbox.row(`instance ${this.id}`, () => registry.instances.save(row));
  }

  tell(
    event: string,
    message: string,
    data: Readonly<Record<string, unknown>> = {},
    cause?: EventRef | null,
  ): EventRef {
    const row = {
      at: this.host.deps.clock.now(),
      folder: this.project.row.folder,
      project: this.project.row.name,
      service: this.spec.name,
      instance: this.index,
      run: runOf(this.machine.state) ?? this.live?.row.run ?? null,
      event,
      message: this.masked(message),
      data,
    };
    this.last = this.host.outbox.event(row, cause === undefined ? this.last : cause);
    return this.last;
  }

  /** Whether everything that must not be shown of its output is known. */
  get isMaskable(): boolean {
    return this.#secrets !== null || Object.keys(this.spec.secrets).length === 0;
  }

  /** Without the values of its declared secrets. */
  masked(text: string): string {
    return maskValues(text, this.#secrets ?? []);
  }

  /** A process that ends by itself is where a story begins, unless a client has just signalled it. */
  #causeOf(event: string): EventRef | null | undefined {
    const { state } = this.machine;
    if (event !== 'service.exited' || state.name !== 'stopping' || state.cause.kind !== 'ended') return undefined;
    return this.signalled;
  }

  /** What comes next follows from this event, if there is one. */
  follow(ref: EventRef | null): void {
    if (ref) this.last = ref;
  }

  /** When a run first became ready is part of its history. */
  #noteReady(): void {
    const { live } = this;
    const { registry, clock } = this.host.deps;
    if (live === null || live.row.ready_at !== null) return;
    live.row = { ...live.row, ready_at: clock.now() };
    const { row } = live;
    this.host.outbox.row(`run ${row.run}`, () => registry.runs.save(row));
  }

  #plan(effect: Effect): void {
    if (effect.do === 'tell' && effect.event === 'service.ready') this.#noteReady();
    if (effect.do === 'tell') this.tell(effect.event, effect.message, effect.data, this.#causeOf(effect.event));
    else this.host.outbox.effect(() => this.#hands.carryOut(effect));
  }

  attach(live: LiveRun): void {
    this.live = live;
    this.#secrets = live.resolved.secrets;
  }

  isAlive(): boolean {
    return mayBeAlive(this.machine.state);
  }

  mainProcess(): ProcessIdentity | null {
    const { state } = this.machine;
    return 'process' in state ? state.process : null;
  }

  /** A daemon that starts continues from what the last one remembered. */
  goOn(machine: Machine, live: LiveRun | null, missed: readonly Event[]): void {
    this.machine = machine;
    this.live = live;
    if (live) this.#secrets = live.resolved.secrets;
    if (live) recallSaid(this, live.row.run);
    this.save();
    for (const effect of resume(machine, this.#context())) this.#plan(effect);
    for (const event of missed) this.post(event);
  }

  /** The daemon goes; the service stays. */
  letGo(): void {
    this.#hands.leave();
    this.#ending.letGo();
  }
}
