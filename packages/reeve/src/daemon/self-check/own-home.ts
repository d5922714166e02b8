import { statSync } from 'node:fs';
import type { HomePaths, Lock } from '@reeve/host';
import type { Check } from './self-check.ts';

/** The folder and the lock that make the home this daemon's: without them the next daemon would start beside it. */
export function ownHome(paths: HomePaths, lock: Lock): readonly Check[] {
  return [ownFolder(paths.home), ownLock(lock)];
}

function ownFolder(home: string): Check {
  const opened = statSync(home);
  return {
    name: 'home',
    look: () => {
      const now = statSync(home, { throwIfNoEntry: false });
      if (now?.ino === opened.ino && now.dev === opened.dev) return null;
      return { kind: 'deposed', why: `its home ${home} has been ${now ? 'replaced' : 'removed'}` };
    },
  };
}

function ownLock(lock: Lock): Check {
  return {
    name: 'lock',
    look: () =>
      lock.isInPlace() ? null : { kind: 'deposed', why: `its lock ${lock.path} has been removed or replaced` },
  };
}
