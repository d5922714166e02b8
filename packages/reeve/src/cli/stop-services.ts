import { existsSync } from 'node:fs';
import { type ProjectRef, type Progress as Push, type Receipt, ReeveError } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import { type Context, printJson } from './context.ts';
import { longCall } from './daemon/long-call.ts';
import { connectOrStart, pathsOf } from './daemon/reach-daemon.ts';
import { actor } from './project/actor.ts';
import { refOf, unknownProject } from './project/find-project.ts';
import { loadProject } from './project/load-project.ts';
import type { Target } from './project/target.ts';
import { unknownService } from './project/unknown-service.ts';
import { renderReceipt } from './show/receipt-text.ts';
import { StopProgress } from './show/stop-progress.ts';

/**
 * A client for a stop: the daemon is started when it is down, since services may have outlived it. Null when this home
 * has no memory at all: then nothing ever ran.
 */
export async function connectToStop(context: Context): Promise<ReeveClient | null> {
  const { registry, controlSocket } = pathsOf(context);
  return existsSync(registry) || existsSync(controlSocket) ? connectOrStart(context) : null;
}

export interface StopWish {
  readonly client: ReeveClient;
  readonly project: ProjectRef;
  readonly services: readonly string[];
  readonly call: 'stop' | 'down';
  readonly timeout: number | null;
  readonly force: boolean;
  readonly purge: boolean;
  readonly signal?: AbortSignal;
}

/** Stops, showing how it gets on. Throws PROJECT_UNKNOWN, SERVICE_UNKNOWN. */
export async function stopServices(context: Context, wish: StopWish): Promise<Receipt> {
  const { client, project, services, timeout, force, purge, signal } = wish;
  using progress = new StopProgress(context);
  const options = { ...(signal ? { signal } : {}), onPush: (push: Push) => progress.note(push) };
  const by = actor();
  if (wish.call === 'down')
    return (await longCall(client, 'down', { project, purge, timeout, actor: by }, options)).receipt;
  return (await longCall(client, 'stop', { project, services, timeout, force, actor: by }, options)).receipt;
}

/** The receipt of a project of which nothing is known to reeve. The names must still be right. Throws SERVICE_UNKNOWN. */
async function nothingRan(context: Context, target: Target, services: readonly string[]): Promise<Receipt> {
  if (target.kind === 'folder' && target.config === null) throw unknownProject(target);
  const { project } = await loadProject(context, target);
  const known = project.services.map(({ name }) => name);
  for (const word of services) {
    const name = word.replace(/:\d+$/, '').toLowerCase();
    if (!known.some((each) => each.toLowerCase() === name)) throw unknownService(word, project.name, known);
  }
  return { project: project.name, status: 'COMPLETE', services: [], survivors: [], ms: 0 };
}

/** Stops what a target names, or finds that reeve knows nothing of it. */
export async function stopTarget(
  context: Context,
  target: Target,
  wish: Omit<StopWish, 'client' | 'project'> & { readonly client: ReeveClient | null },
): Promise<Receipt> {
  const { client } = wish;
  if (!client) return nothingRan(context, target, wish.services);
  try {
    return await stopServices(context, { ...wish, client, project: refOf(target) });
  } catch (error) {
    if (error instanceof ReeveError && error.code === 'PROJECT_UNKNOWN')
      return nothingRan(context, target, wish.services);
    throw error;
  }
}

/** Prints one receipt; the exit code is 0 for COMPLETE, 6 for INCOMPLETE. */
export function showReceipt(context: Context, receipt: Receipt): number {
  if (context.json) printJson(context, receipt);
  else context.io.out.write(renderReceipt(receipt, context.style));
  return receipt.status === 'COMPLETE' ? 0 : 6;
}

/** Several: `{ "receipts": […] }`. */
export function showReceipts(context: Context, receipts: readonly Receipt[]): number {
  if (context.json) printJson(context, { receipts });
  else context.io.out.write(receipts.map((receipt) => renderReceipt(receipt, context.style)).join(''));
  return receipts.every((receipt) => receipt.status === 'COMPLETE') ? 0 : 6;
}
