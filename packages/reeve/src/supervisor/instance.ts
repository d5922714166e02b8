import type { Exit, ProcessIdentity, ServiceSpec } from '@reeve/contract';
import { type Instant, iso } from '../base/instant.ts';
import { canonical } from '../core/canonical.ts';
import { maskValues } from '../core/environment.ts';
import { type Health, UNCHECKED, wasAway } from '../core/health.ts';
import { mayBeAlive, NEW_MACHINE, resume, runOf, transition } from '../core/lifecycle.ts';
import {
  type Aftermath,
  type Effect,
  type Event,
  type Machine,
  NO_AFTERMATH,
  type Policy,
} from '../core/lifecycle-types.ts';
import type { RunRow } from '../core/memory.ts';
import { NOTHING_SAID, type Notified } from '../core/notified.ts';
import type { RunProcesses } from '../core/ports.ts';
import { reasonOf } from '../core/view.ts';
import type { Actor, InstanceHost, LiveRun, ProjectFacts, Remains, StopCommandRun } from './actor.ts';
import { lookBack } from './aftermath.ts';
import { untilReady } from './checks.ts';
import { runHealthChecks } from './health-checks.ts';
import { forgetSaid, recallSaid } from './hearing.ts';
import { launch, userOf } from './launch.ts';
import type { EventRef } from './outbox.ts';
import { endStopCommand, runStopCommand, stopCommandView } from './stop-command.ts';

/** After the daemon itself was stopped: how long a start has to show that it is ready. Milliseconds. */
const SECOND_CHANCE = 5_000;

/**
 * One instance: its mailbox, its machine, and the hands that carry the machine's effects out. Nobody else writes its
 * state. An event posted while another is handled waits its turn.
 */
export class Instance implements Actor {
  readonly project: ProjectFacts;
  readonly index: number;
  readonly id: string;
  readonly host: InstanceHost;
  spec: ServiceSpec;
  machine: Machine = NEW_MACHINE;
  health: Health = UNCHECKED;
  notified: Notified = NOTHING_SAID;
  pingedAt: Instant | null = null;
  lacking: string | null = null;
  live: LiveRun | null = null;
  remains: Remains | null = null;
  stopCommand: StopCommandRun | null = null;
  previous: Exit | null = null;
  last: EventRef | null = null;
  /** The services that its start waits for, where the chain ends. */
  heldBy: readonly string[] = [];
  /** The event of a signal that a person sent to the present run. */
  signalled: EventRef | null = null;
  /** What the present run, which has ended, leaves to be read. */
  #aftermath: Aftermath = NO_AFTERMATH;
  #lookingBack: Promise<void> | null = null;
  /** Of the last run that this daemon has seen; null: none yet. */
  #secrets: readonly string[] | null = null;
  readonly #mail: Event[] = [];
  #isHandling = false;
  #timer: NodeJS.Timeout | null = null;
  #watch: AbortController | null = null;
  #checks: AbortController | null = null;

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
    if (machine.epoch !== before.epoch) this.#leave();
    if ('last' in before.state && before.state.last) this.previous = before.state.last;
    if (event.name === 'exited') this.#noteExit(event.exit);
    if (machine.state.name === 'spawning') {
      this.#aftermath = NO_AFTERMATH;
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
      aftermath: { ...this.#aftermath, missing: this.#missing() },
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
    if (this.live && canonical(before.health) !== canonical(spec.health)) this.#alone(this.#takeHealth(this.live));
  }

  /** The checks of a run that is there already, with the environment of its start. */
  async #takeHealth(live: LiveRun): Promise<void> {
    const { project, spec, index, host } = this;
    const user = await userOf(this);
    const environment = project.environmentOf(spec.name);
    const input = { project: project.row, spec, environment, index, run: live.row.run, ports: live.leases, user };
    const { health } = await host.deps.resolve(input);
    if (this.live?.row.run !== live.row.run) return;
    this.live = { ...this.live, resolved: { ...this.live.resolved, health } };
    if (this.machine.state.name !== 'running') return;
    this.health = UNCHECKED;
    this.#probe('health');
    this.host.changed(this);
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

  /** A state's timers and checks end with it. */
  #leave(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#checks?.abort();
    this.#checks = null;
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

  /** A process that ends by itself is where a story begins, unless somebody has just signalled it. */
  #causeOf(event: string): EventRef | null | undefined {
    const { state } = this.machine;
    if (event !== 'service.exited' || state.name !== 'stopping' || state.cause.kind !== 'ended') return undefined;
    return this.signalled;
  }

  /** What comes next follows from this event, if there is one. */
  follow(ref: EventRef | null): void {
    if (ref) this.last = ref;
  }

  #plan(effect: Effect): void {
    if (effect.do === 'tell') this.tell(effect.event, effect.message, effect.data, this.#causeOf(effect.event));
    else this.host.outbox.effect(() => this.#carryOut(effect));
  }

  #carryOut(effect: Exclude<Effect, { do: 'tell' }>): void {
    switch (effect.do) {
      case 'spawn':
        this.lacking = null;
        this.stopCommand = null;
        this.health = UNCHECKED;
        forgetSaid(this);
        this.#alone(launch(this, effect.run));
        return;
      case 'signal':
        this.#alone(this.live?.processes.signal(effect.whom, this.spec.stop.signal));
        return;
      case 'hook':
        this.#alone(runStopCommand(this));
        return;
      case 'end-hook':
        endStopCommand(this);
        return;
      case 'watch':
        this.#alone(this.#watchRun());
        return;
      case 'kill':
        this.#alone(this.#killRun(effect.budget));
        return;
      case 'arm':
        this.#arm(effect.delay);
        return;
      case 'suspend':
        this.#alone(this.live?.processes.signal('all', 'SIGSTOP'));
        return;
      case 'resume':
        this.#alone(this.live?.processes.signal('all', 'SIGCONT'));
        return;
      case 'probe':
        this.#probe(effect.what);
        return;
      case 'release':
        this.#alone(this.#release(effect.run));
        return;
    }
  }

  /** An effect goes on by itself; what it throws is a fault of the effect, and is logged. */
  #alone(work: Promise<unknown> | undefined): void {
    work?.catch((error: unknown) =>
      this.host.deps.log.error(
        { err: error, service: this.selector, project: this.project.row.name },
        'an effect failed',
      ),
    );
  }

  #arm(delay: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    const { epoch } = this.machine;
    const { clock } = this.host.deps;
    const begun = clock.monotonic();
    this.#timer = setTimeout(() => {
      if (epoch !== this.machine.epoch) return;
      // We were stopped meanwhile, and have not heard what the service did: it gets a moment more to be ready.
      const isUnfair = this.machine.state.name === 'starting' && wasAway(delay, clock.monotonic() - begun);
      if (isUnfair) this.#arm(Math.min(delay, SECOND_CHANCE));
      else this.post({ name: 'timer' });
    }, delay);
  }

  async #watchRun(): Promise<void> {
    this.#watch?.abort();
    const watch = new AbortController();
    this.#watch = watch;
    const isReplaced = (): boolean => watch.signal.aborted;
    const { live } = this;
    if (!live) return this.post({ name: 'gone' });
    const gone = live.processes.gone(watch.signal);
    // Mostly nobody is left, and a look at the cgroup tells so at once: a whole scan is for the other case.
    const isGone = await Promise.race([gone, soon(5)]);
    if (isReplaced()) return;
    if (isGone !== true && (await live.processes.scan()).length > 0 && !isReplaced()) this.post({ name: 'remains' });
    if (await gone) await this.#allGone(isReplaced);
  }

  async #killRun(budget: number): Promise<void> {
    this.#watch?.abort();
    const { live } = this;
    if (!live) return this.post({ name: 'gone' });
    const left = await live.processes.kill(this.host.deps.clock.now() + budget);
    if (left.length === 0) return this.#allGone(() => false);
    const survivors = await live.processes.explainSurvivors(this.spec.name);
    this.remains = this.#remainsOf(live);
    this.post({ name: 'survived', who: survivors.map((s) => `pid ${s.pid} (${s.command}): ${s.why}`).join('; ') });
  }

  #probe(what: 'ready' | 'health'): void {
    this.#checks?.abort();
    const checks = new AbortController();
    this.#checks = checks;
    this.#alone(what === 'ready' ? untilReady(this, checks.signal) : runHealthChecks(this, checks.signal));
  }

  async #release(run: string): Promise<void> {
    this.#watch?.abort();
    const { live } = this;
    const { registry, keeper, clock } = this.host.deps;
    if (live?.row.run === run) {
      this.remains = this.#remainsOf(live);
      forgetSaid(this);
      this.live = null;
      const ended: RunRow = { ...live.row, ended_at: clock.now(), exit: this.remainsExit(live.processes) };
      this.host.outbox.row(`run ${run}`, () => registry.runs.save(ended));
      await live.processes.dispose();
    }
    this.host.outbox.row(`lease ${run}`, () => registry.leases.release({ run }));
    await (await keeper(run)).release(run);
  }

  remainsExit(processes: RunProcesses): Exit | null {
    const main = processes.marks.main;
    return processes.evidence().find((p) => p.pid === main?.pid)?.exit ?? null;
  }

  #remainsOf(live: LiveRun): Remains {
    return {
      run: live.row.run,
      processes: live.processes.evidence(),
      promise: live.processes.promise,
      ports: live.leases.map((l) => l.port),
      stopCommand: stopCommandView(this),
    };
  }

  #noteExit(exit: Exit): void {
    const main = this.live?.processes.marks.main;
    if (!main || !this.live) return;
    this.live.processes.exited(main, exit);
    const { run } = this.live.row;
    this.#lookingBack = lookBack(this, this.live, exit).then((aftermath) => {
      if (this.live?.row.run === run) this.#aftermath = aftermath;
    });
  }

  /** Nobody of the run is left, and what it left to be read has been read. */
  async #allGone(isReplaced: () => boolean): Promise<void> {
    await this.#lookingBack;
    if (!isReplaced()) this.post({ name: 'gone' });
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

  /** A daemon that starts goes on from what the last one remembered. */
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
    this.#leave();
    this.#watch?.abort();
  }
}

function soon(ms: number): Promise<null> {
  return new Promise((resolve) => setTimeout(resolve, ms, null));
}
