import { parseServiceCard, type ServiceCard } from '@reeve/contract';
import { iso } from '../base/instant.ts';
import type { Instance } from '../supervisor/instance.ts';
import type { Project } from '../supervisor/project.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';

/** What the services that run have announced over NOTIFY_SOCKET, in the same form as every other announcement. */
export function notifiedCards(supervisor: Supervisor): readonly ServiceCard[] {
  return [...supervisor.projects.values()].flatMap((project) =>
    project.instances().flatMap((instance) => cardOf(project, instance) ?? []),
  );
}

function cardOf(project: Project, { live, notified, spec, index, id }: Instance): ServiceCard | null {
  const main = live?.row.marks.main;
  if (!live || !main) return null;
  const { ports, depends: dependencies, capabilities, cleanup, start, data } = notified.announced;
  const isSilent =
    [ports, dependencies, capabilities].every(({ length }) => length === 0) && !cleanup && !start && !data;
  if (isSilent) return null;
  const action = (command: string | null) => command && { kind: 'command', command };
  // Read like any other card: what a service says is foreign text.
  return parseServiceCard(
    JSON.stringify({
      format: 1,
      id,
      project: project.row.name,
      folder: project.row.folder,
      service: spec.name,
      instance: index,
      kind: 'service',
      library: 'sd_notify',
      pid: main.pid,
      process: main,
      run: live.row.run,
      cwd: live.resolved.cwd,
      status: notified.status,
      ports,
      dependencies,
      capabilities,
      data,
      announcement: { ports, dependencies, capabilities, start: action(start), cleanup: action(cleanup) },
      started_at: iso(live.row.started_at),
    }),
  );
}
