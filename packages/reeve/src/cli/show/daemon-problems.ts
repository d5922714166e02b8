import type { DaemonProblem, DaemonView } from '@reeve/contract';
import { type Context, say } from '../context.ts';
import { oneLine } from '../terminal/safe-text.ts';

/** What keeps the daemon from its work, each with what helps. With --json the view itself has it. */
export function tellProblems(context: Context, problems: readonly DaemonProblem[]): void {
  if (context.json) return;
  for (const { message, hint } of problems) {
    say(context, `${context.talk.paint('yellow', '!')} ${oneLine(message)}`);
    if (hint !== null) say(context, `  ${context.talk.paint('bold', 'Fix:')} ${oneLine(hint)}`);
  }
}

/** What was shown comes from memory, where no daemon answers. */
export function tellRemembered(context: Context, daemon: DaemonView): void {
  tellProblems(context, daemon.problems);
  if (context.json || daemon.problems.length > 0 || daemon.running) return;
  say(context, 'the daemon is not running: showing its last known state. Start it: reeve daemon start');
}
