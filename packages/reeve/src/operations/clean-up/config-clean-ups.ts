import type { CleanUpView } from '@reeve/contract';
import { runCommand } from '@reeve/host';
import { portsOf } from '../../supervisor/ports-of.ts';
import type { Project } from '../../supervisor/project.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';

/** Of a clean-up that was announced by X_REEVE_CLEANUP. Milliseconds. */
const ANNOUNCED_LIMIT = 5000;

/** A service with a clean-up, taken before it is stopped and perhaps forgotten. */
export type CleanUp = () => Promise<CleanUpView>;

/** The clean-ups that the config gives these services, or they announced by X_REEVE_CLEANUP, by name, for after the stop. */
export function cleanUpsOf(supervisor: Supervisor, project: Project): ReadonlyMap<string, CleanUp> {
  const services = [...project.services].filter(
    ([, { row, instances }]) =>
      Boolean(row.spec.cleanup) || instances.some(({ notified }) => notified.announced.cleanup),
  );
  return new Map(services.map(([name]) => [name, prepare(supervisor, project, name)]));
}

/** Runs them, each on its own: one that fails stops no other. */
export async function runCleanUps(
  cleanUps: readonly CleanUp[],
): Promise<{ readonly views: readonly CleanUpView[]; readonly ms: number }> {
  const began = performance.now();
  const views = await Promise.all(cleanUps.map((run) => run()));
  return { views, ms: performance.now() - began };
}

function prepare(supervisor: Supervisor, project: Project, name: string): CleanUp {
  const { row } = project.service(name);
  const instance = project.service(name).instances[0];
  const ports = instance ? portsOf(supervisor.deps, instance) : [];
  const leased = ports.flatMap(({ spec, port }) =>
    port === null ? [] : [{ name: spec.name, port, protocol: spec.protocol }],
  );
  const { spec, environment } = row;
  const announced = project.service(name).instances.find(({ notified }) => notified.announced.cleanup);
  const said = announced?.notified.announced.cleanup ?? null;
  return async () => {
    const began = performance.now();
    const view = (outcome: CleanUpView['outcome'], message: string | null): CleanUpView => ({
      service: name,
      outcome,
      message,
      ms: Math.round(performance.now() - began),
    });
    try {
      const { platform, resolve, self } = supervisor.deps;
      const user = spec.user === null ? null : await platform.findUser(spec.user);
      if (spec.user !== null && user === null) return view('failed', `there is no user ${spec.user}`);
      const resolved = await resolve({
        project: project.row,
        spec,
        environment,
        index: 0,
        run: '',
        ports: leased,
        user,
      });
      const wanted = resolved.cleanup ?? (said === null ? null : ['/bin/sh', '-c', said]);
      if (wanted === null) return view('done', null);
      if (user && user.uid !== self.uid && !self.isRoot) return view('failed', `only root may run it as ${user.name}`);
      const asUser = user && user.uid !== self.uid ? runAs(user) : [];
      const command = [...asUser, ...wanted];
      const end = await runCommand({
        command,
        cwd: resolved.cwd,
        env: resolved.env,
        limit: spec.cleanup?.timeout ?? ANNOUNCED_LIMIT,
      });
      return view(end.reason, end.message);
    } catch (error) {
      return view('failed', error instanceof Error ? error.message : String(error));
    }
  };
}

/** As the service itself: never as root what belongs to another user. */
function runAs({ uid, gid }: { readonly uid: number; readonly gid: number }): readonly string[] {
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--'];
}
