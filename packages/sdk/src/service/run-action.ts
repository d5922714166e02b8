import type { ActionOutcome, AnnouncedAction, Announcement } from '@reeve/contract';
import { after, type CommandEnd, runCommand, startCommand } from '@reeve/host';
import { withoutMark } from '../manager/ownership.ts';

const START_TIMEOUT = 30_000;

export interface ActionContext {
  /** Where its commands run. */
  readonly cwd: string;
  readonly method: (() => unknown) | null;
  /** Milliseconds; null: the announced or default limit. */
  readonly timeout: number | null;
}

/** Runs the announced clean-up: its method here, or its command, killed at the limit with all it has started. Never rejects. */
export async function runCleanup(announcement: Announcement | null, context: ActionContext): Promise<ActionOutcome> {
  const limit = context.timeout ?? announcement?.cleanup_timeout ?? 0;
  return run(announcement?.cleanup ?? null, context, limit, (command) =>
    runCommand({ command, cwd: context.cwd, env: withoutMark(process.env), limit }),
  );
}

/** Runs the announced start: its method here, or its command, which continues when we end. Never rejects. */
export async function runStart(announcement: Announcement | null, context: ActionContext): Promise<ActionOutcome> {
  const limit = context.timeout ?? START_TIMEOUT;
  return run(announcement?.start ?? null, context, limit, (command) =>
    startCommand({ command, cwd: context.cwd, env: withoutMark(process.env), limit }, announcement?.ports ?? []),
  );
}

type Result = Pick<ActionOutcome, 'reason' | 'message'>;

async function run(
  action: AnnouncedAction | null,
  { method }: ActionContext,
  limit: number,
  byCommand: (command: string | readonly string[]) => Promise<CommandEnd>,
): Promise<ActionOutcome> {
  const began = performance.now();
  const result = await runAny(action, method, limit, byCommand);
  return { ok: result.reason === 'done', ...result, ms: Math.round(performance.now() - began) };
}

async function runAny(
  action: AnnouncedAction | null,
  method: (() => unknown) | null,
  limit: number,
  byCommand: (command: string | readonly string[]) => Promise<CommandEnd>,
): Promise<Result> {
  if (action?.kind === 'command') return byCommand(action.command);
  if (action === null || method === null) return { reason: 'not_announced', message: null };
  try {
    const work = (async () => await method())();
    work.catch(() => undefined); // when it fails after its time is over
    const late = new Promise<'late'>((resolve) => void after(limit, () => resolve('late')).unref());
    if ((await Promise.race([work, late])) !== 'late') return { reason: 'done', message: null };
    return { reason: 'timed_out', message: `not done within ${limit} ms` };
  } catch (error) {
    return { reason: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}
