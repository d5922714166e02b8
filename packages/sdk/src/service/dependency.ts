import { type HealthName, ReeveError, type ServiceCard, type ServicePort, type ServiceView } from '@reeve/contract';
import { pause } from '@reeve/host';
import { ReeveClient } from '../client.ts';
import { listCards, livenessOf } from './cards.ts';
import { findProject, type PlaceOptions, type ProjectPlace } from './place.ts';

/** Where a service can be reached. */
export interface Endpoint {
  readonly service: string;
  readonly project: string;
  /** An address of this machine: `127.0.0.1`. */
  readonly host: string;
  /** Of its first port; null: it has told none. */
  readonly port: number | null;
  /** All of its ports, with name and protocol. */
  readonly ports: readonly ServicePort[];
  /** null: it does not run. */
  readonly pid: number | null;
}
/** How long to wait for another service, and where it is looked for. */
export interface DependencyOptions extends Pick<PlaceOptions, 'home' | 'cwd'> {
  /** Milliseconds. Default 30 s. */
  readonly timeout?: number;
  /** Ends the wait: it rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
}

interface Seen extends Endpoint {
  readonly state: string;
  readonly ready: boolean;
  readonly health: HealthName;
  readonly reason: string | null;
}

const TIMEOUT = 30_000;
const BETWEEN_LOOKS = 100;
/** A daemon that does not answer must not use up the time of the caller. Milliseconds. */
const DAEMON_DEADLINE = 2000;
const HOST = '127.0.0.1';

/**
 * Resolves when the service is ready (or completed) and not unhealthy. Throws TIMED_OUT saying what it was instead;
 * rejects with the signal's reason when aborted.
 */
export async function waitForDependency(name: string, options: DependencyOptions = {}): Promise<Endpoint> {
  const { timeout = TIMEOUT, signal } = options;
  const end = performance.now() + timeout;
  const project = await findProject(options);
  for (;;) {
    signal?.throwIfAborted();
    const seen = await look(project, name);
    if (seen !== null && isUsable(seen)) return endpointOf(seen);
    const left = end - performance.now();
    if (left <= 0) throw late(name, project, timeout, seen);
    await pause(Math.min(BETWEEN_LOOKS, left), signal);
  }
}

/** Where it is now, ready or not. Throws SERVICE_UNKNOWN, or NOT_RUNNING. */
export async function findEndpoint(name: string, options: Pick<PlaceOptions, 'home' | 'cwd'> = {}): Promise<Endpoint> {
  const project = await findProject(options);
  const seen = await look(project, name);
  if (seen === null) throw new ReeveError('SERVICE_UNKNOWN', { name, project: project.project });
  if (seen.pid === null) throw new ReeveError('NOT_RUNNING', { name });
  return endpointOf(seen);
}

function isUsable({ state, ready, health }: Seen): boolean {
  return (ready || state === 'completed') && health !== 'unhealthy';
}

function endpointOf({ service, project, host, port, ports, pid }: Seen): Endpoint {
  return { service, project, host, port, ports, pid };
}

function late(name: string, { project }: ProjectPlace, timeout: number, seen: Seen | null): ReeveError {
  const what = seen === null ? 'no service of that name is known' : whatIs(seen);
  const message = `${name} of ${project} is not ready after ${timeout / 1000} s: ${what}`;
  const hint = seen === null ? `start it, or check the name; reeve ps lists the services` : `reeve why ${name}`;
  return new ReeveError('TIMED_OUT', { message, hint });
}
function whatIs({ state, ready, health, reason }: Seen): string {
  const words = ready && health === 'unhealthy' ? 'it is unhealthy' : `it is ${state}`;
  return reason === null ? words : `${words} (${reason})`;
}

/** The daemon's word where it supervises the service, else the service's own. */
async function look(project: ProjectPlace, name: string): Promise<Seen | null> {
  const view = await askDaemon(project, name);
  const card = findCard(project, name);
  if (view !== null && (view.pid !== null || card === null)) return fromView(view, project, card);
  return card === null ? null : fromCard(card);
}

function findCard({ run, folder }: ProjectPlace, name: string): ServiceCard | null {
  const cards = listCards(run).filter((card) => card.folder === folder && card.service === name);
  return cards.find((card) => livenessOf(card) === 'live') ?? cards[0] ?? null;
}

async function askDaemon({ home, controlSocket, folder }: ProjectPlace, name: string): Promise<ServiceView | null> {
  try {
    await using client = await ReeveClient.connect({ socket: controlSocket, home, deadline: DAEMON_DEADLINE });
    const { projects } = await client.call('ps', { project: { folder } }, { deadline: DAEMON_DEADLINE });
    return projects.flatMap(({ services }) => services).find((service) => service.name === name) ?? null;
  } catch (error) {
    // No daemon, or one that does not know the project: the cards tell.
    if (error instanceof ReeveError) return null;
    throw error;
  }
}

function fromView(view: ServiceView, { project }: ProjectPlace, card: ServiceCard | null): Seen {
  const declared = view.ports.flatMap(({ name, port, protocol }) => (port === null ? [] : [{ name, port, protocol }]));
  const ports = declared.length > 0 ? declared : (card?.ports ?? []);
  const { name: service, state, ready, health, reason, pid } = view;
  return { service, project, host: HOST, port: ports[0]?.port ?? null, ports, pid, state, ready, health, reason };
}

function fromCard(card: ServiceCard): Seen {
  const { service, project, ports, health, health_reason } = card;
  const liveness = livenessOf(card);
  const isLive = liveness === 'live';
  return {
    service,
    project,
    host: HOST,
    port: ports[0]?.port ?? null,
    ports,
    pid: isLive ? card.pid : null,
    state: isLive ? card.state : 'stopped',
    ready: isLive && card.ready,
    health,
    reason: liveness === 'stale' ? 'its process was killed' : health_reason,
  };
}
