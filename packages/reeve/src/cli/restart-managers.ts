import type { Announced } from '../core/announced/announced.ts';
import { environmentsOf, startManual } from '../operations/start/start-manual.ts';
import { endManual } from '../operations/stop/end-manual.ts';
import { announcedOf } from './announced-here.ts';
import { callerOf } from './caller.ts';
import { durationOption } from './command-line/read-options.ts';
import type { Context } from './context.ts';
import { has, printJson } from './context.ts';
import { weightiest } from './exit-code.ts';
import { findProject } from './project/find-project.ts';
import { managedNames } from './project/managed-names.ts';
import { startLines } from './restart-everything.ts';
import { oneLine } from './terminal/safe-text.ts';

/** Which of the words name managers that only announced themselves. */
export async function namedManagers(context: Context, words: readonly string[]): Promise<readonly Announced[]> {
  if (words.length === 0) return [];
  const target = await findProject(context);
  const wanted = new Set(words.map((word) => word.toLowerCase()));
  const found = announcedOf(context, target).filter(({ card }) => wanted.has(card.service.toLowerCase()));
  if (found.length === 0) return [];
  const managed = await managedNames(context, target);
  return found.filter(({ card }) => !managed.has(card.service.toLowerCase()));
}

/** Cleans up, stops and starts each of them by what it announced. Exit code 6: not cleaned up; 1: not started. */
export async function restartManagers(context: Context, managers: readonly Announced[]): Promise<number> {
  const environments = environmentsOf(managers);
  const ended = await endManual(callerOf(context), managers, {
    timeout: null,
    force: has(context, 'force'),
    cleanUp: true,
  });
  const problems = ended.flatMap(({ announced, cleanUp, survivors, taken }) => [
    ...(cleanUp && !cleanUp.ok ? [`${announced.card.service}: clean-up ${cleanUp.reason}: ${cleanUp.message}`] : []),
    ...survivors.map(({ service, pid, why }) => `${service}: pid ${pid} is still there: ${why}`),
    ...taken.map((what) => `${announced.card.service}: ${what}`),
  ]);
  const left = new Set(ended.filter(({ survivors }) => survivors.length > 0).map(({ announced }) => announced));
  const limit = durationOption(context, 'timeout') ?? 60_000;
  const starts = await startManual(
    callerOf(context),
    managers.filter((each) => !left.has(each)),
    limit,
    environments,
  );
  if (context.json) printJson(context, { problems, starts });
  else {
    for (const problem of problems) context.io.err.write(`${oneLine(problem)}\n`);
    context.io.out.write(startLines(starts, context.style));
  }
  return weightiest([problems.length > 0 ? 6 : 0, starts.every(({ ok }) => ok) ? 0 : 1]);
}
