import type { Registry } from '../core/registry.ts';
import { announcementsTable } from './announcements.ts';
import { auditTable } from './audit.ts';
import type { TableContext } from './context.ts';
import { eventsTable } from './events.ts';
import { factsTable } from './facts.ts';
import { instancesTable } from './instances.ts';
import { intentsTable } from './intents.ts';
import { leasesTable } from './leases.ts';
import { projectsTable } from './projects.ts';
import { runsTable } from './runs.ts';
import { servicesTable } from './services.ts';

/** The tables over one connection. `closed` is called once, when the registry is closed. */
export function registryOver(context: TableContext, closed: () => void): Registry {
  const { connection } = context;
  return {
    transaction: (kind, work) => connection.transaction(kind, work),
    projects: projectsTable(context),
    services: servicesTable(context),
    intents: intentsTable(context),
    instances: instancesTable(context),
    runs: runsTable(context),
    events: eventsTable(context),
    leases: leasesTable(context),
    audit: auditTable(context),
    announcements: announcementsTable(context),
    facts: factsTable(context),
    close: () => {
      connection.close();
      closed();
    },
  };
}
