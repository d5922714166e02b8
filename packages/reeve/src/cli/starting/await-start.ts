import type { Accepted, ProjectRef, Waited } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import type { Edges } from '../../core/graph/graph.ts';
import { type Context, printJson, say } from '../context.ts';
import { longCall } from '../daemon/long-call.ts';
import { Interrupted } from '../interrupts.ts';
import { orderText } from '../show/order-text.ts';
import type { portsText } from '../show/process-table.ts';
import type { Steps } from '../show/verbose-steps.ts';
import { adviceFor, exitOfStart, Progress, renderWaited } from '../terminal/progress.ts';

export interface Start {
  readonly client: ReeveClient;
  readonly project: ProjectRef;
  readonly accepted: Accepted;
  readonly timeout: number;
  /** When the command began, as `performance.now()`. */
  readonly began: number;
  readonly signal: AbortSignal;
  readonly steps: Steps;
  /** Who needs whom. */
  readonly edges: Edges;
  /** Further fields of the JSON result. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Waits until what was accepted is ready, telling how it gets on, then the last word on each. Returns the exit code. */
export async function awaitStart(context: Context, start: Start): Promise<number> {
  const { client, project, accepted, timeout, signal } = start;
  tellOrder(context, accepted, start.edges);
  start.steps.begin(accepted.project);
  const waited = await waitFor(context, {
    client,
    project,
    services: accepted.services,
    until: 'ready',
    timeout,
    signal,
    asksOnly: false,
  });
  if (context.json) {
    const outcome = waited.outcome === 'met' ? 'ready' : waited.outcome;
    printJson(context, { project: accepted.project, outcome, services: waited.services, ...start.extra });
  } else {
    const ports = await portsOf(client, project);
    context.io.out.write(renderWaited(context, waited, performance.now() - start.began, ports));
    for (const line of adviceFor(waited)) say(context, `  ${line}`);
  }
  return exitOfStart(waited);
}

function tellOrder(context: Context, { services }: Accepted, edges: Edges): void {
  if (!context.verbose || services.length === 0) return;
  const { out, err } = context.io;
  (context.json ? err : out).write(`${orderText(edges, services, context.style)}\n`);
}

export interface Wish {
  readonly client: ReeveClient;
  readonly project: ProjectRef;
  readonly services: readonly string[];
  readonly until: 'ready' | 'stopped' | 'completed';
  readonly timeout: number | null;
  readonly signal: AbortSignal;
  /** The exit code is the answer: `reeve wait`. */
  readonly asksOnly: boolean;
}

export async function waitFor(context: Context, wish: Wish): Promise<Waited> {
  const { client, signal, asksOnly, ...params } = wish;
  // Nothing named would mean all of the project.
  if (params.services.length === 0) return { outcome: 'met', services: [] };
  using progress = new Progress(context, params.services, asksOnly);
  try {
    return progress.timed(await longCall(client, 'wait', params, { signal, onPush: (push) => progress.note(push) }));
  } catch (error) {
    if (error instanceof Interrupted) progress.keep();
    throw error;
  }
}

async function portsOf(client: ReeveClient, project: ProjectRef): Promise<ReadonlyMap<string, string>> {
  const { projects } = await client.call('ps', { project });
  const services = projects[0]?.services ?? [];
  return new Map(
    services.flatMap((s) => (s.ports.some((p) => p.listening) ? [[s.name, portText(s.ports)] as const] : [])),
  );
}

function portText(ports: Parameters<typeof portsText>[0]): string {
  return ports.flatMap(({ port, listening }) => (listening ? [`:${port}`] : [])).join(' ');
}
