import { type Calls, ReeveError } from '@reeve/contract';
import { ReeveClient } from '@reeve/sdk';
import { programBuild } from '../../base/fingerprint.ts';
import { durationOption } from '../command-line/read-options.ts';
import { type Context, printJson, say } from '../context.ts';
import { connectIfRunning, pathsOf } from '../daemon/reach-daemon.ts';
import { actor } from '../project/actor.ts';

/** Two times what the daemon allows for each half, and some. Milliseconds. */
const PATIENCE = 90_000;
const ANSWER = 10_000;

export async function run(context: Context): Promise<number> {
  await using client = await connectIfRunning(context);
  if (!client) {
    if (context.json) printJson(context, { upgraded: false, pid: null, version: null, from: null, away_ms: null });
    else say(context, 'the daemon is not running: the next command that needs one starts this version');
    return 3;
  }
  const from = { pid: client.daemon.pid, version: client.daemon.version };
  if (await isCurrent(context, client)) {
    if (context.json) printJson(context, { upgraded: false, ...from, from, away_ms: 0 });
    else say(context, `nothing to do: the daemon (pid ${from.pid}) is already version ${from.version}`);
    return 0;
  }
  const { pid, away } = await handOver(context, client);
  const version = await versionNow(context);
  if (context.json) printJson(context, { upgraded: true, pid, version, from, away_ms: away });
  else
    context.io.out.write(
      `version ${version} (pid ${pid}) has taken over from version ${from.version} (pid ${from.pid}); unavailable for ${away} ms\n`,
    );
  return 0;
}

/** The very program that runs: to hand over to it would change nothing. */
async function isCurrent(context: Context, client: ReeveClient): Promise<boolean> {
  const build = programBuild(context.io.daemon);
  const about = await client.call('about', {}).catch((error: unknown) => {
    // Another protocol, or a daemon that does not know the call: certainly another program.
    if (error instanceof ReeveError && ['PROTOCOL_MISMATCH', 'USAGE'].includes(error.code)) return null;
    throw error;
  });
  // Of the same build, but started from files that are gone: the next keeper needs some that are there.
  const isReplaced = about?.problems.some(({ code }) => code === 'program_replaced');
  return about !== null && build !== null && about.build === build && !isReplaced;
}

async function handOver(context: Context, client: ReeveClient): Promise<Calls['upgrade']['ok']> {
  const deadline = durationOption(context, 'timeout') ?? PATIENCE;
  try {
    return await client.call('upgrade', { program: context.io.daemon, actor: actor() }, { deadline });
  } catch (error) {
    if (!(error instanceof ReeveError) || error.code !== 'USAGE') throw error;
    const hint = 'reeve daemon stop, then reeve daemon start: services keep running';
    throw new ReeveError(
      'UPGRADE_FAILED',
      { why: 'the running daemon is too old to hand over', hint },
      { cause: error },
    );
  }
}

async function versionNow(context: Context): Promise<string> {
  const { home, controlSocket } = pathsOf(context);
  await using next = await ReeveClient.connect({ socket: controlSocket, home, deadline: ANSWER });
  return next.daemon.version;
}
