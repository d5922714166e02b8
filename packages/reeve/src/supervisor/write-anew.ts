import type { Supervisor } from './supervisor.ts';

/** Writes down all that is known, into a registry that knows nothing or something else. */
export function writeAnew(supervisor: Supervisor): void {
  const { registry, platform, clock } = supervisor.deps;
  registry.transaction('durable', () => {
    for (const { row, services } of supervisor.projects.values()) {
      registry.projects.save(row);
      for (const service of services.values()) {
        registry.services.save(service.row);
        registry.intents.save(service.intent);
        for (const { live } of service.instances) {
          if (live === null) continue;
          registry.runs.save(live.row);
          for (const { name, port, protocol } of live.leases) {
            const isAuto = service.row.spec.ports.some((each) => each.name === name && each.port === 'auto');
            const { folder, service: of, index, run } = live.row;
            const lease = { port, protocol, folder, service: of, index, name, run, at: clock.now() };
            registry.leases.take({ ...lease, kind: isAuto ? 'auto' : 'fixed' });
          }
        }
      }
    }
    registry.facts.set('boot', platform.boot);
    registry.events.continueAfter(supervisor.outbox.lastSeq);
  });
  for (const project of supervisor.projects.values()) for (const instance of project.instances()) instance.save();
}
