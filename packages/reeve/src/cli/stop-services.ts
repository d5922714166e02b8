import { existsSync } from 'node:fs';
import { type ProjectRef, type Progress as Push, type Receipt, ReeveError } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import type { Operations } from '../operations/operation-types.ts';
import { ask } from './caller.ts';
import { type Context, printJson } from './context.ts';
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
 * has no memory at all: then reeve never ran anything.
 */
export async function connectToStop(context: Context): Promise<ReeveClient | null> {
  const { registry, controlSocket } = pathsOf(context);
  return existsSync(registry) || existsSync(controlSocket) ? connectOrStart(context) : null;
}

export interface StopWish {
  readonly services: readonly string[];
  readonly call: 'stop' | 'down';
  readonly timeout: number | null;
  readonly force: boolean;
  readonly purge: boolean;
  readonly signal?: AbortSignal;
}
type Stops = Pick<Operations, 'stop' | 'down'>;

/** Stops, showing how it gets on. Throws PROJECT_UNKNOWN, SERVICE_UNKNOWN. */
export async function stopServices(
  context: Context,
  operations: Stops,
  project: ProjectRef,
  { services, call, timeout, force, purge, signal }: StopWish,
): Promise<Receipt> {
  using progress = new StopProgress(context);
  const asked = ask<'stop' | 'down'>((push: Push) => progress.note(push), signal);
  const by = actor();
  if (call === 'down') return (await operations.down({ project, purge, timeout, actor: by }, asked)).receipt;
  return (await operations.stop({ project, services, timeout, force, actor: by }, asked)).receipt;
}

/** Stops what a target names. What only its config knows has not run. Throws what makes exit code 4. */
export async function stopTarget(
  context: Context,
  operations: Stops,
  target: Target,
  wish: StopWish,
): Promise<Receipt> {
  const ref = refOf(target);
  try {
    return await stopServices(context, operations, ref, wish);
  } catch (error) {
    if (!isUnknown(error)) throw error;
    const { project, known } = await declared(context, target);
    const services = wish.services.filter((word) => !known.has(word.replace(/:\d+$/, '').toLowerCase()));
    const [first] = services;
    if (first === undefined) return { project, status: 'COMPLETE', services: [], survivors: [], ms: 0 };
    return stopServices(context, operations, ref, { ...wish, services }).catch((again: unknown) => {
      throw isUnknown(again) ? unknownService(first, project, [...known.values()]) : again;
    });
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof ReeveError && error.code === 'PROJECT_UNKNOWN';
}

/** The names in the config, by their small letters. */
async function declared(context: Context, target: Target) {
  if (target.kind === 'folder' && target.config === null) throw unknownProject(target);
  const { project } = await loadProject(context, target);
  return { project: project.name, known: new Map(project.services.map(({ name }) => [name.toLowerCase(), name])) };
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
