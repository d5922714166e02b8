import type { Exit, InstanceView, PortView, PsView, ServiceView } from '@reeve/contract';
import { quoteWords } from '../spec/command-line.ts';
import { type Announced, portsOf } from './announced.ts';

type IsListening = (port: number, protocol: 'tcp' | 'udp') => boolean;

/**
 * The services of one project, with those that announced themselves. What reeve runs itself is completed by what it announced
 * (title, data); a copy of a declared service that was started manually is shown in its place; every other one is
 * added. Idempotent.
 */
export function withAnnounced(
  services: readonly ServiceView[],
  announced: readonly Announced[],
  isListening: IsListening,
): readonly ServiceView[] {
  const groups = new Map<string, Announced[]>();
  for (const each of announced) {
    const key = each.card.service.toLowerCase();
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  const shown = services.map((service) => {
    const group = groups.get(service.name.toLowerCase());
    groups.delete(service.name.toLowerCase());
    if (isAnnounced(service.managed_by)) return service;
    return group ? joined(service, group, isListening) : service;
  });
  return [...shown, ...[...groups.values()].map((group) => announcedView(group, isListening))];
}

/** A project as it is shown, and where it lies. */
export interface PlacedView {
  readonly folder: string;
  readonly view: PsView;
}

/** Projects with what announced itself in their folders. */
export function viewsWithAnnounced(
  views: readonly PlacedView[],
  announced: readonly Announced[],
  isListening: IsListening,
): readonly PsView[] {
  return views.map(({ folder, view }) => {
    const own = announced.filter(({ card }) => card.folder === folder);
    return own.length === 0 ? view : { ...view, services: withAnnounced(view.services, own, isListening) };
  });
}

/** Projects that are known by announcements alone. */
export function announcedProjects(
  announced: readonly Announced[],
  known: ReadonlySet<string>,
  daemon: PsView['daemon'],
  isListening: IsListening,
): readonly PsView[] {
  const folders = new Map<string, Announced[]>();
  for (const each of announced) {
    const { folder } = each.card;
    if (!known.has(folder)) folders.set(folder, [...(folders.get(folder) ?? []), each]);
  }
  return [...folders.values()].map((own) => ({
    project: own[0]?.card.project ?? '',
    daemon,
    services: withAnnounced([], own, isListening),
    unmanaged: [],
    scanned_at: null,
  }));
}

function isAnnounced(by: ServiceView['managed_by']): boolean {
  return by === 'announced' || by === 'registered';
}

/** Whether reeve itself started what announces itself here. */
export function isSupervised(service: Pick<ServiceView, 'instances'>, announced: Announced): boolean {
  return service.instances.some((instance) => isOfRun(announced, instance));
}

/** By the run that the card names, or by its process while that lives: the pid of one that has ended may be another's. */
export function isOfRun(
  { card, liveness }: Announced,
  { run, pid }: { readonly run: string | null; readonly pid: number | null },
): boolean {
  return (run !== null && run === card.run) || (liveness === 'live' && pid !== null && pid === card.pid);
}

function joined(service: ServiceView, group: readonly Announced[], isListening: IsListening): ServiceView {
  const own = group.find((each) => isSupervised(service, each));
  if (own) return { ...service, title: own.card.title ?? service.title, data: service.data ?? own.card.data };
  const byHand = group.filter(({ liveness }) => liveness === 'live');
  if (byHand.length === 0 || service.instances.some(({ pid }) => pid !== null)) return service;
  const view = announcedView(byHand, isListening);
  const { name, description, intent, groups, is_system, created_at } = service;
  const reason = `started manually (pid ${view.pid}); reeve up ${name} takes it over`;
  return {
    ...view,
    name,
    description: description || view.description,
    reason,
    instances: view.instances.map((instance) => ({ ...instance, reason: instance.reason ?? reason })),
    intent,
    groups,
    is_system,
    created_at: created_at ?? view.created_at,
  };
}

/** A service of which only its own word is known; one announcement an instance. */
function announcedView(group: readonly Announced[], isListening: IsListening): ServiceView {
  const sorted = group.toSorted((a, b) => a.card.instance - b.card.instance);
  const instances = sorted.map((each) => instanceOf(each, isListening));
  const shown = instances.find(({ state }) => state !== 'stopped') ?? instances[0];
  const best = sorted.find(({ liveness }) => liveness === 'live') ?? sorted[0];
  if (!shown || !best) throw new Error('a service without an announcement');
  const { card, origin } = best;
  return {
    id: card.id,
    name: card.service,
    title: card.title,
    description: card.description || card.announcement?.description || '',
    command: card.argv.length > 0 ? quoteWords(card.argv) : null,
    cwd: card.cwd,
    created_at: card.started_at || null,
    updated_at: card.updated_at || null,
    state: shown.state,
    reason: shown.reason,
    status: shown.status,
    intent: shown.state === 'stopped' ? 'down' : 'up',
    health: shown.health,
    ready: shown.state === 'running' && isReady(best, shown.ports),
    pid: instances[0]?.pid ?? null,
    started_at: instances[0]?.started_at ?? null,
    exit: instances[0]?.exit ?? null,
    restarts: 0,
    ports: instances.flatMap(({ ports }) => ports),
    data: card.data,
    groups: [],
    is_system: false,
    managed_by: origin === 'registered' ? 'registered' : 'announced',
    cpu_percent: null,
    memory_bytes: null,
    instances,
  };
}

/** The library says when it is ready; of others it is known by their ports. */
function isReady({ card, origin }: Announced, ports: readonly PortView[]): boolean {
  return origin === 'library' ? card.ready : ports.every(({ listening }) => listening);
}

function instanceOf(announced: Announced, isListening: IsListening): InstanceView {
  const { card, liveness } = announced;
  const ports = portsOf(card).map(({ name, port, protocol }) => ({
    name,
    port,
    protocol,
    listening: isListening(port, protocol),
  }));
  const isLive = liveness === 'live';
  return {
    index: card.instance,
    pid: isLive && card.pid > 1 ? card.pid : null,
    started_at: isLive && card.started_at !== '' ? card.started_at : null,
    state: stateOf(announced, ports),
    reason: reasonOf(announced),
    status: isLive ? card.status : null,
    health: isLive ? card.health : 'unknown',
    health_history: [],
    ports,
    restarts: 0,
    cpu_percent: null,
    memory_bytes: null,
    exit: isLive ? null : exitOf(announced),
    run: card.run,
  };
}

function stateOf({ card, liveness }: Announced, ports: readonly PortView[]): InstanceView['state'] {
  if (liveness === 'unknown') return ports.some(({ listening }) => listening) ? 'running' : 'stopped';
  return liveness === 'live' && card.state !== 'stopped' ? card.state : 'stopped';
}

function reasonOf({ card, liveness, identity, origin }: Announced): string | null {
  if (liveness === 'stale') return origin === 'library' ? 'its process was killed' : 'its process has ended';
  if (liveness === 'unknown') return 'registered without a pid; only its ports show whether it runs';
  if (liveness === 'live' && identity === 'pid') return 'announced by pid alone: shown, but never signalled';
  return card.health === 'unhealthy' ? card.health_reason : null;
}

function exitOf({ card, liveness }: Announced): Exit | null {
  if (card.exit !== null || liveness !== 'stale' || card.updated_at === '') return card.exit;
  return { kind: 'unobserved', code: null, signal: null, at: card.updated_at };
}
