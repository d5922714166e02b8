import type { ReeveClient } from '@reeve/sdk';
import { humanDuration } from './amounts.ts';
import { type Context, printJson } from './context.ts';
import { pathsOf } from './reach-daemon.ts';

/** `daemon status`: whether it runs, and where. */
export function tellDaemon(context: Context, client: ReeveClient | null): void {
  const { home, controlSocket, daemonLog } = pathsOf(context);
  const facts = client?.daemon;
  if (context.json) {
    printJson(context, {
      running: facts !== undefined,
      pid: facts?.pid ?? null,
      version: facts?.version ?? null,
      home,
      url: null,
      started_at: facts?.started_at ?? null,
      keeper_pid: facts?.keeper_pid ?? null,
      socket: controlSocket,
      protocol: facts?.protocol ?? null,
    });
    return;
  }
  const head = facts
    ? `the daemon runs: pid ${facts.pid}, version ${facts.version}, for ${humanDuration(Date.now() - Date.parse(facts.started_at))}`
    : 'the daemon is not running';
  const keeper = facts?.keeper_pid ? [`  keeper  pid ${facts.keeper_pid}`] : [];
  const lines = [head, ...keeper, `  home    ${home}`, `  socket  ${controlSocket}`, `  log     ${daemonLog}`];
  context.io.out.write(`${lines.join('\n')}\n`);
}
