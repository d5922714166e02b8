import type { ChildProcess } from 'node:child_process';
import { after } from '@reeve/host';
import { readNow } from '../output/read-now.ts';
import { SpawnRefused } from '../refusal.ts';
import type { WrapperReports } from './wrapper-reports.ts';

/** A wrapper that has neither reported nor ended after this (ms) sits in a frozen cgroup: its run counts as started. */
const PATIENCE = 5000;
const ERRNOS: readonly (readonly [RegExp, string])[] = [
  [/not permitted/i, 'EPERM'],
  [/denied/i, 'EACCES'],
  [/no such|nonexistent|does not exist/i, 'ENOENT'],
  [/invalid/i, 'EINVAL'],
];

/** Resolves when the command's turn has come; throws {@link SpawnRefused} when the wrapper ended before that. */
export function wrapperDone(
  run: string,
  child: ChildProcess,
  { reports, stderr }: { readonly reports: WrapperReports; readonly stderr: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const settle = (done: () => void): void => {
      if (isOver) return;
      isOver = true;
      timer.cancel();
      reports.forget(run);
      child.off('exit', onExit);
      done();
    };
    const timer = after(PATIENCE, () => settle(resolve));
    const onExit = (): void => {
      reports.poll();
      // Of no effect if the poll has brought the report: then what is in the pipe are the program's own words.
      settle(() => reject(complaint(stderr)));
    };
    reports.expect(run, () => settle(resolve));
    child.on('exit', onExit);
  });
}

/** What the wrapper said: nothing but its complaint can be in the pipe, the command has not run. */
function complaint(stderr: number): SpawnRefused {
  const buffer = Buffer.alloc(1024);
  const text = buffer.toString('utf8', 0, readNow(stderr, buffer)).trim().replaceAll('\n', '; ');
  const errno = ERRNOS.find(([pattern]) => pattern.test(text))?.[1] ?? null;
  return new SpawnRefused(errno, `it could not be prepared: ${text === '' ? 'the wrapper was ended' : text}`);
}
