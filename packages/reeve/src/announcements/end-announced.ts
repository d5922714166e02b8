import { type ProcessIdentity, type ReceiptService, ReeveError, type Survivor } from '@reeve/contract';
import {
  commandOf as commandLineOf,
  type Ending,
  endProcesses,
  identityOf,
  isLiveState,
  isSame,
  kinOf,
  lineageOf,
  pause,
  portHolders,
  readStat,
  receiptProcess,
  scanStats,
  type Target,
} from '@reeve/host';
import { askService } from '@reeve/sdk';
import { type Announced, portsOf } from '../core/announced/announced.ts';
import { type CleanUpOutcome, cleanUpByCommand, cleanUpInOwner } from './clean-up.ts';

export interface EndOptions {
  /** Also run what it announced as its clean-up: in the owner before it is stopped, a command after. */
  readonly cleanUp: boolean;
  /** Milliseconds from being asked to SIGKILL. */
  readonly grace: number;
  /** SIGKILL at once. */
  readonly force: boolean;
  /** Of a clean-up command. */
  readonly env: Readonly<Record<string, string>>;
  /** Pid of who asks: neither it nor what has started it is ended, nor what has started us. */
  readonly askedBy: number;
  /** What it has started, as far as it is known by more than hanging below it. */
  readonly family: readonly Target[];
}
export interface EndedAnnounced {
  readonly announced: Announced;
  /** null: none was announced, or it was not asked for. */
  readonly cleanUp: CleanUpOutcome | null;
  readonly receipt: ReceiptService;
  readonly survivors: readonly Survivor[];
  /** Sentences: who holds a port that should be free. */
  readonly taken: readonly string[];
  readonly ms: number;
}

/** Milliseconds for killing and verifying. */
const BUDGET = 5000;
const ANSWER = 2000;
const LOOK = 20;
/** The kernel frees a port when its last holder is gone; how long we look again. Milliseconds. */
const PORTS_GRACE = 1000;

/**
 * Ends a service that announced itself, in the order of row B4: its own clean-up while it lives, an orderly end (its
 * control socket, then SIGTERM, then SIGKILL), its clean-up command, and a look of our own at processes and ports. Only a
 * verified process is ever signalled. Never rejects: what went wrong is in the result.
 */
export async function endAnnounced(announced: Announced, options: EndOptions): Promise<EndedAnnounced> {
  const began = performance.now();
  const inOwner = options.cleanUp ? await cleanUpInOwner(announced) : null;
  const endings = await end(announced, options);
  const byCommand = options.cleanUp ? await cleanUpByCommand(announced, options.env) : null;
  const ports = portsOf(announced.card);
  const taken = await takenPorts(ports.map(({ port }) => port));
  const numbers = [...new Set(ports.map(({ port }) => port))];
  return {
    announced,
    cleanUp: inOwner ?? byCommand,
    receipt: {
      name: announced.card.service,
      promise: 'best_effort',
      promise_reason: 'not started by reeve, so earlier detached children are unknown',
      processes: endings.map(receiptProcess),
      ports: numbers.map((port) => ({ port, free: !taken.has(port) })),
      stop_commands: [],
    },
    survivors: [...endings.flatMap((each) => survivorOf(announced, each)), ...untouchable(announced, options.askedBy)],
    taken: [...taken.values()],
    ms: Math.round(performance.now() - began),
  };
}

/** It is there, and nothing proves that it is what was announced. */
function untouchable({ card, liveness, identity }: Announced, askedBy: number): readonly Survivor[] {
  if (liveness !== 'live') return [];
  if (spared(askedBy)(card)) {
    const why = 'it started this command: run the command from elsewhere';
    return [{ service: card.service, pid: card.pid, command: commandOfPid(card.pid), why }];
  }
  if (identity === 'verified') return [];
  const why = `announced by pid alone, so it was not touched; to verify it: reeve register ${card.service} --pid ${card.pid}`;
  return [{ service: card.service, pid: card.pid, command: commandOfPid(card.pid), why }];
}

function survivorOf({ card }: Announced, { process, command, left }: Ending): readonly Survivor[] {
  return left === null ? [] : [{ service: card.service, pid: process.pid, command, why: left }];
}

async function end(
  { card, liveness }: Announced,
  { grace, force, family, askedBy }: EndOptions,
): Promise<readonly Ending[]> {
  const main = card.process;
  const spare = spared(askedBy);
  const left = family.filter(({ process }) => !spare(process));
  if (liveness !== 'live' || main === null) {
    return left.length === 0 ? [] : endProcesses(left, { grace: force ? 0 : grace, budget: BUDGET, spare });
  }
  if (spare(main)) return [];
  // Before it is asked: once it has gone, nothing shows any more who was below it.
  const known = targetsOf(main, spare);
  const targets = [...known, ...left.filter(({ process }) => !known.some((each) => each.process.pid === process.pid))];
  if (force) return endProcesses(targets, { grace: 0, budget: BUDGET, spare });
  const asked = performance.now();
  if (await askToEnd(card.service, card.socket, main.pid)) await untilGone(main, grace);
  const rest = Math.max(0, grace - (performance.now() - asked));
  return endProcesses(targets, { grace: rest, budget: BUDGET, spare });
}

/** true: it said that it will. */
async function askToEnd(service: string, socket: string | null, pid: number): Promise<boolean> {
  if (socket === null) return false;
  try {
    const told = await askService({ service, socket }, 'shutdown', { reason: 'reeve', timeout: null }, ANSWER);
    return told.pid === pid;
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    return false;
  }
}

async function untilGone(process: ProcessIdentity, limit: number): Promise<void> {
  for (const end = performance.now() + limit; isSame(process) && performance.now() < end; ) await pause(LOOK);
}

function targetsOf(main: ProcessIdentity, spare: Spare): readonly Target[] {
  const live = scanStats().filter(isLiveState);
  const kin = kinOf([main], live, spare).flatMap(({ stat, by }): Target[] => {
    const process = identityOf(stat);
    return process === null ? [] : [{ process, command: commandLineOf(stat), foundBy: [by] }];
  });
  return [{ process: main, command: commandOfPid(main.pid), foundBy: ['main'] }, ...kin];
}

type Spare = (process: { readonly pid: number }) => boolean;

/** Who asks, we who carry it out, and everything above both: they may have been started by what is ended. */
function spared(askedBy: number): Spare {
  const live = scanStats();
  const lineages = [lineageOf(askedBy, live), lineageOf(process.pid, live)];
  return ({ pid }) => lineages.some((each) => each.has(pid));
}

/** port → a sentence that names who has it. */
async function takenPorts(ports: readonly number[]): Promise<ReadonlyMap<number, string>> {
  for (const end = performance.now() + PORTS_GRACE; ; await pause(LOOK)) {
    const taken = new Map(
      ports.flatMap((port) => {
        const [holder] = portHolders(port);
        return holder ? [[port, `port ${port} is still held by ${holderText(holder)}`] as const] : [];
      }),
    );
    if (taken.size === 0 || performance.now() > end) return taken;
  }
}

function holderText({ process, command, user }: ReturnType<typeof portHolders>[number]): string {
  return process === null ? `a process of ${user}` : `${command} (pid ${process.pid}, ${user})`;
}
function commandOfPid(pid: number): string {
  const stat = readStat(pid);
  return stat === null ? '' : commandLineOf(stat);
}
