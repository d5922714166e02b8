import type { ProcessIdentity } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { recover } from './resume.ts';
import { KILL_BUDGET } from './steps-stop.ts';
import { mayBeAlive, NEW_MACHINE, resume, runOf, transition } from './table.ts';
import { type Effect, type Event, type Machine, NO_AFTERMATH, type Policy } from './types.ts';

/** A small deterministic generator: a failing seed can be run again. */
function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface SimulatedProcess {
  readonly run: string;
  readonly pid: number;
  main: boolean;
}

/**
 * A world in miniature: what the effects do, late and in any order, with a daemon that may be killed at any step.
 * It is the ground truth that the machine is held against.
 */
class Simulation {
  machine: Machine = NEW_MACHINE;
  now = 0;
  processes: SimulatedProcess[] = [];
  /** Spawn requests on their way to the keeper. */
  asked: string[] = [];
  /** What the keeper has not reported yet, and of which run. */
  untold: { readonly run: string; readonly event: Event }[] = [];
  /** The run whose stop command runs. */
  hooking: string | null = null;
  watching = false;
  toldRemains = false;
  killUntil: number | null = null;
  unkillable = false;
  timer: { at: number; epoch: number } | null = null;
  runs = 0;
  generation = 0;
  pids = 100;
  readonly policy: Policy;
  readonly chance: () => number;

  constructor(policy: Policy, chance: () => number) {
    this.policy = policy;
    this.chance = chance;
  }

  tell(event: Event): void {
    const before = this.machine;
    const { machine, effects } = transition(before, event, {
      now: this.now,
      at: 'now',
      policy: this.policy,
      chance: this.chance(),
      lacking: null,
      aftermath: { ...NO_AFTERMATH, missing: this.chance() < 0.2 ? 'db is down' : null },
    });
    this.machine = machine;
    for (const effect of effects) this.carryOut(effect);
  }

  carryOut(effect: Effect): void {
    switch (effect.do) {
      case 'spawn':
        this.asked.push(effect.run);
        return;
      case 'signal':
        return;
      case 'hook':
        this.hooking ??= runOf(this.machine.state);
        return;
      case 'end-hook':
        this.hooking = null;
        return;
      case 'watch':
        this.watching = true;
        this.toldRemains = false;
        return;
      case 'kill':
        this.killUntil = this.now + effect.budget;
        this.watching = false;
        return;
      case 'arm':
        this.timer = { at: this.now + effect.delay, epoch: this.machine.epoch };
        return;
      case 'release':
        expect(this.alive(effect.run), 'a run is released only when no process of it is left').toEqual([]);
        return;
      case 'suspend':
      case 'resume':
      case 'probe':
      case 'tell':
        return;
    }
  }

  alive(run: string): SimulatedProcess[] {
    return this.processes.filter((p) => p.run === run);
  }

  /** The keeper carries out what it was asked to. */
  keeperSpawns(): void {
    const run = this.asked.shift();
    if (!run) return;
    this.pids += 1;
    this.processes.push({ run, pid: this.pids, main: true });
    this.untold.push({ run, event: { name: 'spawned', process: identity(this.pids) } });
  }

  keeperRefuses(again: number | null): void {
    const run = this.asked.shift();
    if (run)
      this.untold.push({ run, event: { name: 'refused', failure: { code: 'SPAWN_FAILED', message: 'no' }, again } });
  }

  /** Records are matched by run: one of an older run, reported late, has no effect any more. */
  keeperTells(): void {
    const told = this.untold.shift();
    if (told && told.run === runOf(this.machine.state)) this.tell(told.event);
  }

  mainEnds(code: number): void {
    const main = this.processes.find((p) => p.main);
    if (!main) return;
    this.processes = this.processes.filter((p) => p !== main);
    this.untold.push({
      run: main.run,
      event: { name: 'exited', exit: { kind: 'code', code, signal: null, at: 'now' } },
    });
  }

  hookEnds(ok: boolean): void {
    const run = this.hooking;
    this.hooking = null;
    if (run !== null && run === runOf(this.machine.state)) this.tell({ name: 'hooked', ok, what: 'has ended' });
  }

  forks(): void {
    const parent = this.processes[0];
    if (!parent || this.processes.length > 5) return;
    this.pids += 1;
    this.processes.push({ run: parent.run, pid: this.pids, main: false });
  }

  otherEnds(): void {
    const other = this.processes.findLast((p) => !p.main);
    this.processes = this.processes.filter((p) => p !== other);
  }

  platformLooks(): void {
    const run = runOf(this.machine.state);
    if (run === null) return;
    const left = this.alive(run);
    if (this.killUntil !== null) {
      this.killerActs(left);
      return;
    }
    if (!this.watching) return;
    if (left.length === 0) {
      this.watching = false;
      this.tell({ name: 'gone' });
    } else if (!this.toldRemains) {
      this.toldRemains = true;
      this.tell({ name: 'remains' });
    }
  }

  killerActs(left: readonly SimulatedProcess[]): void {
    if (!this.unkillable) {
      for (const p of left) {
        this.processes = this.processes.filter((other) => other !== p);
        if (p.main)
          this.untold.push({
            run: p.run,
            event: { name: 'exited', exit: { kind: 'signal', code: null, signal: 'SIGKILL', at: 'now' } },
          });
      }
      this.killUntil = null;
      this.tell({ name: 'gone' });
    } else if (this.killUntil !== null && this.now >= this.killUntil) {
      this.killUntil = null;
      this.tell({ name: 'survived', who: 'pid 1' });
    }
  }

  timePasses(by: number): void {
    this.now += by;
    if (!this.timer || this.timer.at > this.now) return;
    const { epoch } = this.timer;
    this.timer = null;
    if (epoch === this.machine.epoch) this.tell({ name: 'timer' });
  }

  /** SIGKILL of the daemon and a new one: only the machine is remembered, and what the keeper knows. */
  daemonDies(): void {
    this.timer = null;
    this.watching = false;
    this.killUntil = null;
    const run = runOf(this.machine.state);
    // A request that the keeper had not read is lost with the connection, or carried out: both happen.
    if (this.chance() < 0.5) this.asked = [];
    while (this.asked.length > 0) this.keeperSpawns();
    const told = this.untold.filter((t) => t.run === run).map((t) => t.event);
    this.untold = [];
    const spawned = told.find((e) => e.name === 'spawned');
    const exited = told.find((e) => e.name === 'exited');
    const main = run === null ? undefined : this.alive(run).find((p) => p.main);
    const process = main ? identity(main.pid) : spawned?.name === 'spawned' ? spawned.process : null;
    const seen =
      exited?.name === 'exited'
        ? ({ kind: 'ended', process, exit: exited.exit } as const)
        : process
          ? ({ kind: 'alive', process } as const)
          : ({ kind: 'absent' } as const);
    const { machine, missed } = recover(this.machine, seen);
    this.machine = machine;
    const ctx = {
      now: this.now,
      at: 'now',
      policy: this.policy,
      chance: this.chance(),
      lacking: null,
      aftermath: NO_AFTERMATH,
    };
    for (const effect of resume(machine, ctx)) this.carryOut(effect);
    for (const event of missed) this.tell(event);
  }

  /** What must hold between any two steps. */
  check(): void {
    const runs = new Set(this.processes.map((p) => p.run));
    expect(runs.size, 'never the processes of two runs for one instance').toBeLessThanOrEqual(1);
    expect(this.processes.filter((p) => p.main).length).toBeLessThanOrEqual(1);
    expect(this.asked.length).toBeLessThanOrEqual(1);
    if (this.asked.length > 0) expect(runs.size, 'never a spawn beside what lives').toBe(0);
    for (const run of [...runs, ...this.asked]) {
      expect(mayBeAlive(this.machine.state), `never a lost one: ${JSON.stringify(this.machine.state)}`).toBe(true);
      expect(runOf(this.machine.state)).toBe(run);
    }
  }
}

const identity = (pid: number): ProcessIdentity => ({ boot: 'b', pid, start: pid });

function step(sim: Simulation, chance: () => number): void {
  const moves: (() => void)[] = [
    () => {
      const startable = !mayBeAlive(sim.machine.state);
      sim.runs += 1;
      if (startable && chance() < 0.5) sim.generation += 1;
      sim.tell({ name: 'start', run: `r${sim.runs}`, generation: sim.generation });
    },
    () => sim.tell({ name: 'hold', why: `w${Math.floor(chance() * 3)}`, hopeless: chance() < 0.5 }),
    () => sim.tell({ name: 'stop', cause: { kind: chance() < 0.5 ? 'asked' : 'stale' } }),
    () => sim.tell({ name: 'hurry', grace: chance() < 0.5 ? 0 : 1000 }),
    () => sim.tell({ name: 'ready', how: 'log' }),
    () => sim.tell({ name: 'unhealthy', by: 'health', why: 'x' }),
    () =>
      sim.tell({
        name: 'lost',
        why: 'db is down',
        action: (['restart', 'stop', 'pause'] as const)[Math.floor(chance() * 3)] ?? 'stop',
      }),
    () => sim.tell({ name: 'regained' }),
    () => sim.keeperSpawns(),
    () => sim.keeperSpawns(),
    () => sim.keeperRefuses(chance() < 0.5 ? null : 5000),
    () => sim.keeperTells(),
    () => sim.keeperTells(),
    () => sim.keeperTells(),
    () => sim.mainEnds(chance() < 0.5 ? 0 : 3),
    () => sim.hookEnds(chance() < 0.5),
    () => sim.forks(),
    () => sim.otherEnds(),
    () => sim.platformLooks(),
    () => sim.platformLooks(),
    () => sim.timePasses(chance() * 4000),
    () => sim.timePasses(chance() * 40_000),
    () => {
      sim.unkillable = chance() < 0.2;
    },
    () => (chance() < 0.2 ? sim.daemonDies() : undefined),
  ];
  moves[Math.floor(chance() * moves.length)]?.();
}

function policies(chance: () => number): Policy {
  const pick = <T>(...items: readonly T[]): T => items[Math.floor(chance() * items.length)] as T;
  return {
    name: 's',
    oneshot: chance() < 0.3,
    restart: {
      policy: pick('always', 'on-failure', 'never', 'unless-stopped'),
      backoff: pick({ min: 0, max: 0 }, { min: 500, max: 30_000 }),
      limit: pick(null, { count: 5, period: 60_000 }),
    },
    stop: {
      signal: 'SIGTERM',
      timeout: pick(0, 1000, 10_000),
      timeout_declared: true,
      mode: pick('main_first', 'all', 'main'),
      command: pick(null, { text: 'bye', how: { kind: 'argv', argv: ['bye'] } }),
    },
    readyTimeout: pick(null, 30_000),
    restartWhenUnhealthy: chance() < 0.5,
  };
}

describe('lifecycle, over random steps', () => {
  test('50,000 steps: never two processes for an instance, never a lost one, and a stop always comes to its end', () => {
    const seen = new Set<string>();
    let steps = 0;
    for (let seed = 1; steps < 50_000; seed++) {
      const chance = random(seed);
      const sim = new Simulation(policies(chance), chance);
      for (let i = 0; i < 500; i++, steps++) {
        try {
          step(sim, chance);
          sim.check();
        } catch (cause) {
          throw new Error(`seed ${seed}, step ${i}, state ${JSON.stringify(sim.machine)}`, { cause });
        }
        seen.add(sim.machine.state.name);
      }
      stopsAtLast(sim, seed);
    }
    expect([...seen].sort()).toEqual([
      'backoff',
      'completed',
      'failed',
      'paused',
      'running',
      'spawning',
      'starting',
      'stopped',
      'stopping',
      'waiting',
    ]);
  }, 60_000);
});

/** From wherever it is: a stop that is not obstructed ends with no process left, and says so. */
function stopsAtLast(sim: Simulation, seed: number): void {
  sim.unkillable = false;
  for (let i = 0; i < 60 && sim.machine.state.name !== 'stopped'; i++) {
    sim.tell({ name: 'stop', cause: { kind: 'asked' } });
    if (sim.machine.state.name === 'failed') sim.tell({ name: 'hurry', grace: 0 });
    sim.keeperSpawns();
    sim.keeperTells();
    sim.platformLooks();
    sim.timePasses(KILL_BUDGET);
    sim.platformLooks();
    sim.keeperTells();
    sim.check();
  }
  expect(sim.machine.state.name, `seed ${seed}`).toBe('stopped');
  expect(sim.processes, `seed ${seed}`).toEqual([]);
}
