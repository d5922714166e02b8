import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LogCheck, ReeveError } from '@reeve/contract';
import { type HomePaths, instanceId, markOfRun, notifySocket } from '@reeve/host';
import { readAnnouncements } from '../announcements/read-announcements.ts';
import { compilePattern, PatternProblem } from '../base/pattern.ts';
import { resolveNow } from '../config/resolve-now.ts';
import type { Platform, ProbeTarget } from '../core/interfaces.ts';
import { chooseAutoPort } from '../core/leases.ts';
import type { Registry } from '../core/registry.ts';
import type { ResolvedService } from '../core/spec/resolve.ts';
import { waitForLine } from '../logs/wait-for-line.ts';
import { probes } from '../probes/probes.ts';
import type { Dependencies, Log, Resolved, ResolveInput } from '../supervisor/dependencies.ts';
import { lastLines } from './last-lines.ts';

export interface World {
  readonly paths: HomePaths;
  readonly platform: Platform;
  readonly registry: Registry;
  readonly keeper: Dependencies['keeper'];
  readonly starter: Dependencies['starter'];
  readonly keeperProblem: Dependencies['keeperProblem'];
  readonly keptRuns: Dependencies['keptRuns'];
  readonly log: Log;
}

/** Everything the supervisor acts through, made of the adapters of this machine. */
export function dependenciesOf({
  paths,
  platform,
  registry,
  keeper,
  starter,
  keeperProblem,
  keptRuns,
  log,
}: World): Dependencies {
  const ephemeral = ephemeralPorts();
  return {
    home: paths.home,
    platform,
    registry,
    keeper,
    starter,
    keeperProblem,
    keptRuns,
    log,
    probes: probes({
      waitForLine: waitForOwnLine,
      listeners: (port) => platform.listeners(port),
      userOf: (target) => target.user,
    }),
    clock: { now: () => Date.now(), monotonic: () => Number(process.hrtime.bigint() / 1_000_000n) },
    chance: Math.random,
    newRunId: () => randomBytes(10).toString('hex'),
    newMark: (id) => markOfRun(paths.home, id, randomBytes(7)),
    instanceId,
    logFolder: (id) => join(paths.logs, id),
    notifySocket: (of) => notifySocket(paths, of),
    lastLines: (id, run, newest) => lastLines(join(paths.logs, id), newest, run),
    resolve: (input) => resolve(paths, input),
    announced: () => readAnnouncements(paths).announced,
    chooseAutoPort: (wish) => chooseAutoPort({ ...wish, ephemeral }),
    self: { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1, isRoot: process.getuid?.() === 0 },
  };
}

/** A service without logs never writes the line: it waits until its time limit says so. */
async function waitForOwnLine(
  { pattern }: LogCheck,
  { logs, run }: ProbeTarget,
  signal: AbortSignal,
): Promise<string | null> {
  if (logs !== null) return waitForLine({ folder: logs, run, pattern: await compilePattern(pattern), signal });
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }));
}

async function resolve(paths: HomePaths, input: ResolveInput): Promise<Resolved> {
  const { fetched, ...resolved } = await resolveNow(paths, input);
  await checkPatterns(input.spec.name, resolved);
  const isComplete = Object.keys(input.spec.secrets).every((name) => name in fetched);
  return { ...resolved, secrets: isComplete ? Object.values(fetched) : null };
}

/** With all values in place: the config was checked with those of its reader. */
async function checkPatterns(service: string, { ready, health }: ResolvedService): Promise<void> {
  for (const check of [ready, health?.check]) {
    const pattern = check?.kind === 'log' ? check.pattern : check?.kind === 'http' ? check.body : null;
    if (pattern === null) continue;
    try {
      await compilePattern(pattern);
    } catch (error) {
      if (!(error instanceof PatternProblem)) throw error;
      throw new ReeveError('CONFIG_INVALID', { message: `${service}: the pattern /${pattern}/: ${error.message}` });
    }
  }
}

/** Where the system takes ports for outgoing connections from: `auto` keeps out of it. */
function ephemeralPorts(): readonly [number, number] {
  try {
    const [low = 32768, high = 60999] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
      .trim()
      .split(/\s+/)
      .map(Number);
    return [low, high];
  } catch {
    return [32768, 60999];
  }
}
