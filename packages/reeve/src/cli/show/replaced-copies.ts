import type { Accepted } from '@reeve/contract';
import { type Context, say } from '../context.ts';

/** Copies that were started manually, and that reeve has ended to run the service itself. */
export function tellReplaced(context: Context, { replaced = [] }: Pick<Accepted, 'replaced'>): void {
  for (const { service, pid, was_running: wasRunning } of replaced) {
    if (wasRunning) say(context, `${service} was started manually (pid ${pid}): stopped it; reeve now runs it`);
    else say(context, `${service} was started manually and had left processes behind: they were stopped`);
  }
}
