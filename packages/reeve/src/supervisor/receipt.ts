import type { ReceiptProcess, ReceiptService, Survivor } from '@reeve/contract';
import type { Dependencies } from './dependencies.ts';
import type { Instance } from './instance.ts';
import type { Remains } from './instance-handle.ts';

/** A run that no instance knew any more, and that was still ended. */
export interface Stray {
  readonly remains: Remains;
  readonly survivors: readonly Survivor[];
}

/** What a receipt says of one service; null: none of its runs was there. */
export async function receiptOf(
  { platform }: Dependencies,
  name: string,
  remains: readonly Remains[],
): Promise<ReceiptService | null> {
  if (remains.length === 0) return null;
  const weakest = remains.find((r) => r.promise.promise === 'best_effort') ?? remains[0];
  const ports = [...new Set(remains.flatMap((r) => r.ports))];
  const listeners = ports.length > 0 ? platform.sockets() : [];
  return {
    name,
    promise: weakest?.promise.promise ?? 'best_effort',
    promise_reason: weakest?.promise.reason ?? '',
    processes: processesOf(remains),
    ports: ports.map((port) => ({ port, free: !listeners.some((l) => l.port === port) })),
    stop_commands: remains.flatMap((r) => r.stopCommand ?? []),
  };
}

/** Every process once: what is found after the end of a run adds only processes that are not listed yet. */
function processesOf(remains: readonly Remains[]): readonly ReceiptProcess[] {
  const rows = new Map<number, ReceiptProcess>();
  for (const { processes } of remains) for (const row of processes) if (!rows.has(row.pid)) rows.set(row.pid, row);
  return [...rows.values()];
}

/** Who of these instances is still there, and why. */
export async function survivorsOf(instances: readonly Instance[]): Promise<readonly Survivor[]> {
  const lists = await Promise.all(
    instances.map(async ({ live, selector }) => (live ? live.processes.explainSurvivors(selector) : [])),
  );
  return lists.flat();
}
