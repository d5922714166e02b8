import { after, type Timer } from '@reeve/host';
import type { Effect } from '../../core/lifecycle/types.ts';
import { UNCHECKED, wasAway } from '../../core/restart/health.ts';
import { untilReady } from '../checks/checks.ts';
import { runHealthChecks } from '../checks/health-checks.ts';
import { forgetSaid } from '../checks/notifications.ts';
import type { LiveRun, RunOwner } from '../instance-handle.ts';
import { launch, userOf } from './launch.ts';
import type { RunEnding } from './run-teardown.ts';
import { endStopCommand, runStopCommand } from './stop-command.ts';

/** After the daemon itself was stopped: how long a start has to show that it is ready. Milliseconds. */
const SECOND_CHANCE = 5_000;

/** Carries out what the machine of one instance asks for; holds its timer and its checks. */
export class Hands {
  readonly #instance: RunOwner;
  readonly #ending: RunEnding;
  #timer: Timer | null = null;
  #checks: AbortController | null = null;

  constructor(instance: RunOwner, ending: RunEnding) {
    this.#instance = instance;
    this.#ending = ending;
  }

  carryOut(effect: Exclude<Effect, { do: 'tell' }>): void {
    switch (effect.do) {
      case 'spawn':
        this.#instance.lacking = null;
        this.#instance.stopCommand = null;
        this.#instance.health = UNCHECKED;
        forgetSaid(this.#instance);
        this.#alone(launch(this.#instance, effect.run));
        return;
      case 'signal':
        this.#alone(this.#instance.live?.processes.signal(effect.whom, this.#instance.spec.stop.signal));
        return;
      case 'hook':
        this.#alone(runStopCommand(this.#instance));
        return;
      case 'end-hook':
        endStopCommand(this.#instance);
        return;
      case 'watch':
        this.#alone(this.#ending.watch());
        return;
      case 'kill':
        this.#alone(this.#ending.kill(effect.budget));
        return;
      case 'arm':
        this.#arm(effect.delay);
        return;
      case 'suspend':
        this.#alone(this.#instance.live?.processes.signal('all', 'SIGSTOP'));
        return;
      case 'resume':
        this.#alone(this.#instance.live?.processes.signal('all', 'SIGCONT'));
        return;
      case 'probe':
        this.#probe(effect.what);
        return;
      case 'release':
        this.#alone(this.#ending.release(effect.run));
        return;
    }
  }

  /** What `health` declares has changed: the run that is there is checked by it from now on. */
  takeHealth(live: LiveRun): void {
    this.#alone(this.#checkAnew(live));
  }

  /** The checks of a run that is there already, with the environment of its start. */
  async #checkAnew(live: LiveRun): Promise<void> {
    const instance = this.#instance;
    const { project, spec, index, host } = instance;
    const user = await userOf(instance);
    const environment = project.environmentOf(spec.name);
    const input = { project: project.row, spec, environment, index, run: live.row.run, ports: live.leases, user };
    const { health } = await host.deps.resolve(input);
    if (instance.live?.row.run !== live.row.run) return;
    instance.live = { ...instance.live, resolved: { ...instance.live.resolved, health } };
    if (instance.machine.state.name !== 'running') return;
    instance.health = UNCHECKED;
    this.#probe('health');
    host.changed(instance);
  }

  /** A state's timers and checks end with it. */
  leave(): void {
    if (this.#timer) this.#timer.cancel();
    this.#timer = null;
    this.#checks?.abort();
    this.#checks = null;
  }

  /** An effect runs by itself; what it throws is a fault of the effect, and is logged. */
  #alone(work: Promise<unknown> | undefined): void {
    work?.catch((error: unknown) =>
      this.#instance.host.deps.log.error(
        { err: error, service: this.#instance.selector, project: this.#instance.project.row.name },
        'an effect failed',
      ),
    );
  }

  #arm(delay: number): void {
    if (this.#timer) this.#timer.cancel();
    const { epoch } = this.#instance.machine;
    const { clock } = this.#instance.host.deps;
    const begun = clock.monotonic();
    this.#timer = after(delay, () => {
      if (epoch !== this.#instance.machine.epoch) return;
      // We were stopped meanwhile, and have not heard what the service did: it gets a moment more to be ready.
      const isUnfair = this.#instance.machine.state.name === 'starting' && wasAway(delay, clock.monotonic() - begun);
      if (isUnfair) this.#arm(Math.min(delay, SECOND_CHANCE));
      else this.#instance.post({ name: 'timer' });
    });
  }

  #probe(what: 'ready' | 'health'): void {
    this.#checks?.abort();
    const checks = new AbortController();
    this.#checks = checks;
    this.#alone(
      what === 'ready' ? untilReady(this.#instance, checks.signal) : runHealthChecks(this.#instance, checks.signal),
    );
  }
}
