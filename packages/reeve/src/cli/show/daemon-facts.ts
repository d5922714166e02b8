import type { DaemonAbout, DaemonView, Stall } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import { programBuild } from '../../base/fingerprint.ts';
import { REEVE_VERSION } from '../../base/version.ts';
import { type Context, printJson } from '../context.ts';
import { aboutOf } from '../daemon/about-daemon.ts';
import { pathsOf } from '../daemon/reach-daemon.ts';
import { type Outlives, outlives } from '../install/outlives.ts';
import { surroundings } from '../install/systemd.ts';
import { humanDuration } from '../terminal/amounts.ts';
import { tellProblems } from './daemon-problems.ts';
import { sessionProblems } from './session-problem.ts';

/** `daemon status`: whether it runs, of which version, where, and what services outlive. */
export async function tellDaemon(context: Context, client: ReeveClient | null, daemon: DaemonView): Promise<void> {
  const { home, controlSocket, daemonLog } = pathsOf(context);
  const facts = client?.daemon;
  const about = client && (await aboutOf(client));
  const problems =
    client && about ? [...about.problems, ...sessionProblems(about, client.daemon.pid)] : daemon.problems;
  const isPending = client === null ? null : about?.build !== programBuild(context.io.daemon);
  const lives = outlives(surroundings(home, context.io.env));
  if (context.json) {
    printJson(context, {
      running: daemon.running,
      pid: daemon.pid,
      version: daemon.version,
      problems,
      home,
      url: null,
      started_at: facts?.started_at ?? null,
      keeper_pid: facts?.keeper_pid ?? null,
      socket: controlSocket,
      protocol: facts?.protocol ?? null,
      build: about?.build ?? null,
      program: about?.program ?? null,
      managed_by: about?.managed_by ?? null,
      upgrade_pending: isPending,
      keepers: about?.keepers ?? [],
      stalls: about?.stalls ?? [],
      outlives: lives,
    });
    return;
  }
  const head = facts
    ? `the daemon is running: pid ${facts.pid}, version ${facts.version}, for ${humanDuration(Date.now() - Date.parse(facts.started_at))}`
    : daemon.running
      ? 'the daemon does not answer'
      : 'the daemon is not running';
  const lines = [
    head,
    ...(isPending ? [`  upgrade  pending: this is version ${REEVE_VERSION}, another build; reeve daemon upgrade`] : []),
    ...(about?.managed_by ? [`  unit     ${about.managed_by} runs it`] : []),
    ...(about?.keepers ?? []).map(keeperLine),
    ...(about?.stalls ?? []).slice(-SHOWN_STALLS).map((stall) => `  stalled  ${stallLine(stall)}`),
    `  home     ${home}`,
    `  socket   ${controlSocket}`,
    `  log      ${daemonLog}`,
    outlivesLine('services outlive a logout', lives.logout),
    outlivesLine('services come back after a reboot', lives.reboot),
  ];
  context.io.out.write(`${lines.join('\n')}\n`);
  tellProblems(context, problems);
}

/** The newest; the rest is in the log and in --json. */
const SHOWN_STALLS = 3;

function stallLine({ at, program, pid, ms, doing, during, end }: Stall): string {
  const time = `${end === 'continued' ? 'at most ' : ''}${humanDuration(ms)}`;
  const ago = humanDuration(Date.now() - Date.parse(at));
  return `${ago} ago: the ${program} (pid ${pid}) for ${time}, ${doing}${during === null ? '' : `; last begun: ${during}`}`;
}

function keeperLine({ pid, version, runs }: DaemonAbout['keepers'][number], n: number): string {
  const held = `holds ${runs} ${runs === 1 ? 'run' : 'runs'}`;
  return `  keeper   pid ${pid}, version ${version}, ${held}${n === 0 ? '' : '; exits when they have ended'}`;
}

function outlivesLine(what: string, { yes, why }: Outlives): string {
  return `  ${what}: ${yes === null ? 'unknown' : yes ? 'yes' : 'no'} (${why})`;
}
