import { indexOf, selectServices } from '../../supervisor/intents/selection.ts';
import { portsOf } from '../../supervisor/ports-of.ts';
import type { Project } from '../../supervisor/project.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';

/** `reeve exec`: the folder, environment and user that a service has, or would be started with. */
export async function execContextOf(supervisor: Supervisor, project: Project, selector: string) {
  const [name = selector] = selectServices(project, [selector]);
  const service = project.service(name);
  const instance = service.instances[indexOf(selector) ?? 0] ?? service.instances[0];
  const { row } = service;
  const { platform, resolve } = supervisor.deps;
  const user = row.spec.user === null ? null : await platform.findUser(row.spec.user);
  const own = instance ? portsOf(supervisor.deps, instance) : [];
  const ports = own.flatMap(({ spec, port }) =>
    port === null ? [] : [{ name: spec.name, port, protocol: spec.protocol }],
  );
  const run = instance?.live?.row.run ?? '';
  const resolved = await resolve({
    project: project.row,
    spec: row.spec,
    environment: row.environment,
    index: instance?.index ?? 0,
    run,
    ports,
    user,
  });
  return { cwd: resolved.cwd, env: resolved.env, user: user && { name: user.name, uid: user.uid, gid: user.gid } };
}
