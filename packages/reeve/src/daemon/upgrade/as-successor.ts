import { execFile } from 'node:child_process';
import { Socket } from 'node:net';
import { KEEPER_PROTOCOL, ReeveError } from '@reeve/contract';
import type { HomePaths } from '@reeve/host';
import { rehearseMigration } from '../../registry/rehearse.ts';
import { ORDERS_FD, SUCCEEDS } from './protocol.ts';
import { reportPrepared } from './report-ready.ts';

/** What a keeper answers that is started without a home. */
const USAGE = 2;
const PATIENCE = 10_000;

/**
 * Everything that can go wrong is tried before the old daemon steps aside: its keepers' protocol, our own keeper's
 * program, and what we make of its registry. Then waits for the order, or for the death of the old one. Throws why not.
 */
export async function awaitTurn(paths: HomePaths, keeper: readonly string[]): Promise<void> {
  const protocols = (process.env[SUCCEEDS] ?? '').split(',').filter(Boolean).map(Number);
  delete process.env[SUCCEEDS];
  const other = protocols.find((protocol) => protocol !== KEEPER_PROTOCOL);
  if (other !== undefined) {
    const why = `it speaks keeper protocol ${KEEPER_PROTOCOL}, and a keeper that holds services speaks ${other}`;
    throw new ReeveError('UPGRADE_FAILED', { why });
  }
  await tryKeeper(keeper);
  rehearseMigration(paths.registry);
  await import('../serve.ts'); // read now, while the old daemon still answers
  const orders = new Socket({ fd: ORDERS_FD });
  reportPrepared();
  await anyWord(orders);
}

/** A keeper without a home says how it is used: then its program is whole, and everything that it imports too. */
function tryKeeper([command = '', ...args]: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { timeout: PATIENCE }, (error, _out, complaint) => {
      if (error?.code === USAGE) resolve();
      else reject(new ReeveError('UPGRADE_FAILED', { why: `its keeper is broken: ${lastWords(complaint, error)}` }));
    });
  });
}

function lastWords(complaint: string, error: Error | null): string {
  // The message matters here; the stack frames after it would push it out.
  return (
    complaint
      .replace(/^ +at .*\n?/gm, '')
      .trim()
      .slice(-500) ||
    (error?.message ?? 'it did not say how it is used')
  );
}

/** Resolves too when none can come any more: the other end is gone. */
function anyWord(orders: Socket): Promise<void> {
  return new Promise<void>((resolve) => {
    orders
      .on('error', () => undefined)
      .once('data', () => resolve())
      .once('close', () => resolve());
  }).finally(() => orders.destroy());
}
