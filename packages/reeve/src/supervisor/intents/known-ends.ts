import { after } from '@reeve/host';
import type { Instance } from '../instance.ts';
import type { Project } from '../project.ts';
import type { Supervisor } from '../supervisor.ts';

/** The keeper tells an end within this, also one that has just replaced another. Milliseconds. */
const TOLD_WITHIN = 3_000;

/**
 * What a command wants is decided from what is true: a main process that has ended, and whose end has not been reported yet,
 * is waited for. Otherwise `up` would take a dead service for a running one.
 */
export function endsKnown(supervisor: Supervisor, project: Project): Promise<void> {
  const { platform } = supervisor.deps;
  const isUntold = (instance: Instance): boolean => {
    const main = instance.machine.state.name === 'stopping' ? null : instance.mainProcess();
    return main !== null && !platform.isAlive(main);
  };
  if (!project.instances().some(isUntold)) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      timer.cancel();
      unlisten();
      resolve();
    };
    const timer = after(TOLD_WITHIN, finish);
    const unlisten = supervisor.onChange(() => {
      if (!project.instances().some(isUntold)) finish();
    });
  });
}
