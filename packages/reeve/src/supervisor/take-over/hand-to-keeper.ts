import type { AdoptedRun } from '@reeve/contract';
import { mayBeAlive } from '../../core/lifecycle/table.ts';
import type { Instance } from '../instance.ts';
import type { LiveRun } from '../instance-handle.ts';
import { originOf } from '../run/origin.ts';
import { unobserved } from '../run/unobserved.ts';
import type { Supervisor } from '../supervisor.ts';

/**
 * Hands what runs and no keeper holds to the keeper: its journal was lost, or the run was found by its processes. A
 * keeper waits for the end of what it holds, and copies its output.
 */
export async function handToKeeper(supervisor: Supervisor): Promise<void> {
  const held = new Set(supervisor.deps.keptRuns().map(({ run }) => run));
  for (const project of supervisor.projects.values()) {
    for (const instance of project.instances()) {
      const { live } = instance;
      const adopted = live === null || held.has(live.row.run) ? null : unheldRun(instance);
      if (adopted !== null && live !== null) await handOver(instance, live, adopted);
    }
  }
}

async function handOver(instance: Instance, live: LiveRun, adopted: AdoptedRun): Promise<void> {
  const { starter, log } = instance.host.deps;
  const facts = { service: instance.selector, pid: adopted.process.pid };
  try {
    if (await (await starter()).adopt(adopted))
      return log.warn(facts, 'no keeper held what runs: it was handed to one');
  } catch (error) {
    log.error({ err: error, ...facts }, 'what runs could not be handed to a keeper');
  }
  reportEnd(instance, live);
}

/** null: its main process has ended, or is not known yet. */
function unheldRun(instance: Instance): AdoptedRun | null {
  const { live, machine, spec, id, host } = instance;
  const main = live?.row.marks.main ?? null;
  const hasEnded = 'exit' in machine.state && machine.state.exit !== null;
  if (!live || main === null || hasEnded || !mayBeAlive(machine.state)) return null;
  const { run } = live.row;
  const { ready } = live.resolved;
  return {
    run,
    id,
    process: main,
    logs: spec.logs && { folder: host.deps.logFolder(id), rotation: spec.logs },
    channels: {
      notify: host.deps.notifySocket({ id, run, isOtherUser: live.user !== null }),
      ready_fd: ready?.kind === 'fd' ? ready.fd : null,
      ipc: ready?.kind === 'ipc',
      listen: [],
    },
    origin: originOf(instance, live.row, live.leases),
  };
}

/** No keeper waits for it: its end is seen, its exit status is not. */
function reportEnd(instance: Instance, live: LiveRun): void {
  const { main } = live.processes.marks;
  if (!main) return;
  const { platform, clock } = instance.host.deps;
  const timer = setInterval(() => {
    if (instance.live?.row.run !== live.row.run) return clearInterval(timer);
    if (platform.isAlive(main)) return;
    clearInterval(timer);
    instance.post({ name: 'exited', exit: unobserved(clock.now()) });
  }, 250);
  timer.unref();
}
