import { type DaemonProblem, ReeveError } from '@reeve/contract';
import { pause } from '@reeve/host';
import { type Context, say } from '../context.ts';
import { tellProblems } from '../show/daemon-problems.ts';
import { connectToRead } from './reach-daemon.ts';

/** Between two looks. Milliseconds. */
const EVERY = 2_000;

/**
 * Beside a command that follows files, which need no daemon: says once that the daemon does not answer and what helps,
 * and once that it answers again. Resolves when aborted.
 */
export async function tellSilence(context: Context, signal: AbortSignal): Promise<void> {
  const spoken: Context = { ...context, json: false };
  let wasSilent = false;
  while (await pause(EVERY, signal)) {
    const { problems, answers } = await look(context);
    if (problems.length > 0 && !wasSilent) tellProblems(spoken, problems);
    if (answers && wasSilent) say(spoken, 'the daemon answers again');
    wasSilent = problems.length > 0;
  }
}

async function look(
  context: Context,
): Promise<{ readonly problems: readonly DaemonProblem[]; readonly answers: boolean }> {
  try {
    await using reading = await connectToRead(context);
    return { problems: reading.daemon.problems, answers: reading.client !== null };
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    return { problems: [], answers: false }; // of another kind than silence: every other command says it
  }
}
