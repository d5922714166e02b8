import type { EventView } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import type { Context } from '../context.ts';
import { isLost } from '../daemon/reach-daemon.ts';
import { humanDuration } from '../terminal/amounts.ts';
import { oneLine } from '../terminal/safe-text.ts';

export interface Steps {
  /** From now on: shows what has happened to this project, and what will. */
  begin(project: string): void;
  stop(): void;
}

const NO_STEPS: Steps = { begin: () => {}, stop: () => {} };

/**
 * `--verbose`: every event of the project, as a line with the time since the command began. Heard before the start is
 * asked for, told once it is accepted, when the project's name is known. With --json they are talk: the result alone
 * goes to standard output.
 */
export function tellSteps(context: Context, client: ReeveClient): Steps {
  if (!context.verbose) return NO_STEPS;
  const began = performance.now();
  const abort = new AbortController();
  const { out, err } = context.io;
  let project: string | null = null;
  const early: { readonly event: EventView; readonly at: number }[] = [];
  const write = (event: EventView, at: number): void => {
    if (event.project !== project) return;
    const who = event.service === null ? event.project : serviceOf(event);
    (context.json ? err : out).write(`+${humanDuration(at - began)}  ${who}: ${oneLine(event.message)}\n`);
  };
  const tell = (event: EventView): void => {
    const at = performance.now();
    if (project === null) early.push({ event, at });
    else write(event, at);
  };
  const { signal } = abort;
  client
    .call('events', { project: null }, { onPush: tell, signal, deadline: Number.POSITIVE_INFINITY })
    .catch((error: unknown) => {
      // The call that matters says it too, and better.
      if (!signal.aborted && !isLost(error)) err.write(`cannot show progress: ${oneLine(String(error))}\n`);
    });
  const begin = (name: string): void => {
    project = name;
    for (const { event, at } of early.splice(0)) write(event, at);
  };
  return { begin, stop: () => abort.abort() };
}

function serviceOf({ service, instance }: EventView): string {
  return instance === null || instance === 0 ? (service ?? '') : `${service}:${instance}`;
}
