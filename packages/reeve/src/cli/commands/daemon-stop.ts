import { existsSync } from 'node:fs';
import { type Receipt, ReeveError } from '@reeve/contract';
import { identify, isSame, pause } from '@reeve/host';
import type { ReeveClient } from '@reeve/sdk';
import { durationOption } from '../command-line/read-options.ts';
import { type Context, has, printJson, say } from '../context.ts';
import { longCall } from '../daemon/long-call.ts';
import { connectIfRunning, connectOrStart, pathsOf } from '../daemon/reach-daemon.ts';
import { actor } from '../project/actor.ts';
import { renderReceipt } from '../show/receipt-text.ts';

const PATIENCE = 30_000;
/** Between two looks at a process that is ending. Milliseconds. */
const LOOK = 15;

export async function run(context: Context): Promise<number> {
  const withServices = has(context, 'with-services');
  await using client = await reach(context, withServices);
  if (!client) return tell(context, false, []);
  const timeout = durationOption(context, 'timeout');
  const receipts = await shutDown(context, client, withServices, timeout);
  return tell(context, true, receipts);
}

/** With services, a daemon that is down is started first: they may have outlived it, and it alone can end them. */
async function reach(context: Context, withServices: boolean): Promise<ReeveClient | null> {
  const running = await connectIfRunning(context);
  if (running || !withServices || !existsSync(pathsOf(context).registry)) return running;
  return connectOrStart(context);
}

async function shutDown(
  context: Context,
  client: ReeveClient,
  withServices: boolean,
  timeout: number | null,
): Promise<readonly Receipt[]> {
  const { pid } = client.daemon;
  const daemon = identify(pid);
  const params = { with_services: withServices, actor: actor() };
  const { receipts } = withServices
    ? await longCall(client, 'shutdown', params)
    : await client.call('shutdown', params, { deadline: timeout ?? PATIENCE });
  const late = AbortSignal.timeout(timeout ?? PATIENCE);
  while (daemon && isSame(daemon)) {
    if (await pause(LOOK, late)) continue;
    const { home } = pathsOf(context);
    throw new ReeveError('TIMED_OUT', {
      message: `the daemon of ${home} (pid ${pid}) is still shutting down`,
      hint: 'reeve daemon logs',
    });
  }
  return receipts;
}

function tell(context: Context, stopped: boolean, receipts: readonly Receipt[]): number {
  if (context.json) printJson(context, { stopped, receipts });
  else {
    context.io.out.write(receipts.map((receipt) => renderReceipt(receipt, context.style)).join(''));
    say(context, stopped ? 'the daemon has stopped' : 'the daemon is not running');
  }
  return receipts.every(({ status }) => status === 'COMPLETE') ? 0 : 6;
}
