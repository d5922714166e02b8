import type { Project } from '../project.ts';
import type { Supervisor } from '../supervisor.ts';

/**
 * One durable transaction for what a command decides. If it cannot be written, nothing of it is true in memory either:
 * a command that was refused must not take effect a moment later.
 */
export function durably<T>(supervisor: Supervisor, act: () => T): T {
  const before = [...supervisor.projects.values()].map(remember);
  try {
    const result = supervisor.deps.registry.transaction('durable', act);
    for (const tell of supervisor.decided.splice(0)) tell();
    return result;
  } catch (error) {
    supervisor.decided.length = 0;
    supervisor.projects.clear();
    for (const restore of before) supervisor.add(restore());
    throw error;
  }
}

/** Returns how to make the project again what it is now. Instances stay: they are what runs. */
function remember(project: Project): () => Project {
  const { row } = project;
  const services = [...project.services].map(([name, service]) => [name, service, { ...service }] as const);
  return () => {
    project.row = row;
    project.services.clear();
    for (const [name, service, before] of services) {
      Object.assign(service, { row: before.row, intent: before.intent, acceptedAt: before.acceptedAt });
      for (const instance of service.instances) instance.spec = before.row.spec;
      project.services.set(name, service);
    }
    return project;
  };
}
