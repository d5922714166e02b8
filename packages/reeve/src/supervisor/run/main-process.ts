import type { Exit, ProcessIdentity } from '@reeve/contract';
import { after } from '@reeve/host';
import type { Actor } from '../instance-handle.ts';
import { withMain } from './launch.ts';
import { unobserved } from './unobserved.ts';

/** How often a main process that is not the keeper's child is looked at (ms). */
const LOOK = 250;
/** How long the keeper may take to tell how a process ended that it has adopted (ms). */
const REAPED_SOON = 1_000;

/**
 * `MAINPID=`: the run says which of its processes is the main one. Only a verified member of the run can be; any
 * other is left alone, and that is reported.
 */
export function moveMain(instance: Actor, pid: number): void {
  const { live } = instance;
  if (!live || live.row.marks.main?.pid === pid) return;
  const { run } = live.row;
  const moved = live.processes
    .scan()
    .then((members) => {
      const now = instance.live;
      if (now?.row.run !== run || now.row.marks.main?.pid === pid) return;
      const process = members.find((member) => member.process.pid === pid)?.process;
      if (process === undefined) {
        instance.tell('service.notify_ignored', `ignored MAINPID=${pid}: no process of the service has this pid`, {
          pid,
        });
        return;
      }
      instance.attach(withMain(instance, now, process));
      instance.post({ name: 'main', process });
      watchMain(instance, process);
    })
    .catch((error: unknown) => instance.host.deps.log.error({ err: error }, 'MAINPID= could not be looked at'))
    .finally(() => {
      if (moving.get(instance) === moved) moving.delete(instance);
    });
  moving.set(instance, moved);
}

/** Of the instances that have named another main process, which is being looked at. */
const moving = new WeakMap<Actor, Promise<void>>();

/** The process that the keeper has spawned ended. It is the end of the run only if it is still the main process. */
export function spawnedEnded(instance: Actor, process: ProcessIdentity, exit: Exit): void {
  const pending = moving.get(instance);
  if (pending !== undefined) {
    void pending.then(() => spawnedEnded(instance, process, exit));
    return;
  }
  const { live } = instance;
  const main = live?.row.marks.main ?? null;
  if (main === null || (main.pid === process.pid && main.start === process.start))
    instance.post({ name: 'exited', exit });
  else live?.processes.exited(process, exit);
}

/** The keeper waits for the process that it has spawned. The end of another main process is found by looking. */
export function watchMain(instance: Actor, main: ProcessIdentity): void {
  const { platform, clock } = instance.host.deps;
  const isMain = (): boolean => {
    const now = instance.live?.row.marks.main;
    return now?.pid === main.pid && now.start === main.start;
  };
  const end = (): void => {
    if (isMain() && !isEnding(instance))
      instance.post({ name: 'exited', exit: exitOf(instance, main) ?? unobserved(clock.now()), watched: true });
  };
  const timer = setInterval(() => {
    if (!isMain()) return clearInterval(timer);
    if (platform.isAlive(main)) return;
    clearInterval(timer);
    if (exitOf(instance, main) !== null) return end();
    after(REAPED_SOON, end).unref();
  }, LOOK);
  timer.unref();
}

function isEnding({ machine }: Actor): boolean {
  return machine.state.name === 'stopping' && machine.state.exit !== null;
}

/** As the keeper told it, when it has adopted and reaped the process. */
function exitOf({ live }: Actor, main: ProcessIdentity): Exit | null {
  return live?.processes.evidence().find(({ pid }) => pid === main.pid)?.exit ?? null;
}
