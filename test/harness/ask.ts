import type { EventView, ServiceView } from '@reeve/contract';
import type { TestReeve } from './reeve.ts';
import { until } from './until.ts';
import { Views } from './views.ts';

/** Questions that many tests ask. */

/** One service as `ps --json` shows it. Throws when there is none of that name. */
export async function serviceOf(reeve: TestReeve, name: string): Promise<ServiceView> {
  await using views = new Views(reeve);
  return named(await views.services(), name);
}

/** All services by name. */
export async function servicesOf(reeve: TestReeve): Promise<ReadonlyMap<string, ServiceView>> {
  await using views = new Views(reeve);
  return new Map((await views.services()).map((s) => [s.name, s]));
}

/** Every event of the project, or of one service, oldest first. */
export async function eventsOf(reeve: TestReeve, service?: string): Promise<readonly EventView[]> {
  const result = await reeve.run(['events', ...(service === undefined ? [] : [service]), '--json']);
  return result.jsonLines() as EventView[];
}

/** Asks until the service is as wanted, and returns it. */
export async function untilService(
  reeve: TestReeve,
  name: string,
  is: (service: ServiceView) => boolean,
): Promise<ServiceView> {
  await using views = new Views(reeve);
  return await until(`${name} is as expected`, async () => {
    const service = named(await views.services(), name);
    return is(service) && service;
  });
}

function named(services: readonly ServiceView[], name: string): ServiceView {
  const found = services.find((s) => s.name === name);
  if (!found) throw new Error(`ps shows no ${name}`);
  return found;
}

/** What a service has written, line by line. */
export async function linesOf(reeve: TestReeve, service: string): Promise<readonly string[]> {
  const result = await reeve.run(['logs', service, '-n', 'all', '--json']);
  return (result.jsonLines() as { line: string }[]).map((l) => l.line);
}

/** Pids of live processes whose command line holds the text, seen from outside. */
export function copiesOf(reeve: TestReeve, text: string): readonly number[] {
  return reeve
    .outside()
    .filter((p) => p.command.includes(text))
    .map((p) => p.pid);
}
