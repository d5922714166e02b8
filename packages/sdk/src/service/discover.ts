import { type ActionOutcome, ReeveError, type ServiceCard, type ServiceStatus } from '@reeve/contract';
import { isListenedOn } from '@reeve/host';
import { askService } from './ask-service.ts';
import { listCards, livenessOf } from './cards.ts';
import { findProject, type PlaceOptions } from './place.ts';
import { runCleanup, runStart } from './run-action.ts';

/** Where to look. */
export interface DiscoverOptions extends Pick<PlaceOptions, 'home' | 'cwd'> {
  /** Name of a project, or `*` for all of the home. Default: the project of this program. */
  readonly project?: string;
}
/** Of a start or a clean-up that is called for. */
export interface ActionOptions {
  /** Milliseconds. Default: what was announced for the clean-up, 30 s for the start. */
  readonly timeout?: number;
}
/** What became of an action, looked at from outside. `survived`: done, but these ports are still taken. */
export interface VerifiedOutcome extends Omit<ActionOutcome, 'reason'> {
  /** `unreachable`: its owner lives and does not answer. */
  readonly reason: ActionOutcome['reason'] | 'unreachable' | 'survived';
  /** Ports that should be free and are not. */
  readonly taken: readonly number[];
}
/** A service or an announcement, as it was found. */
export interface Discovered {
  readonly name: string;
  readonly project: string;
  readonly pid: number;
  /** Its process is there. */
  readonly live: boolean;
  /** Its process was killed: only announced commands can still be run. */
  readonly stale: boolean;
  /** What it can be found by, for example `PROCESS_MANAGER`. */
  readonly capabilities: readonly string[];
  /** What it has registered and announced. */
  readonly ports: readonly number[];
  /** Names of services that it needs. */
  readonly dependencies: readonly string[];
  /** All that is known of it. */
  readonly card: ServiceCard;
  /** Asks it. Throws SERVICE_UNREACHABLE when it is gone or does not answer. */
  status(): Promise<ServiceStatus>;
  /** Does what it announced as its start: it does it itself while it lives; else its command is run here. */
  start(options?: ActionOptions): Promise<VerifiedOutcome>;
  /** Likewise its clean-up, and then looks whether the announced ports are free. */
  cleanup(options?: ActionOptions): Promise<VerifiedOutcome>;
  /** Asks it to stop in order. Throws SERVICE_UNREACHABLE. */
  shutdown(reason?: string): Promise<void>;
}

/** How much longer than the action itself its answer may take. Milliseconds. */
const MARGIN = 2000;
const START_TIMEOUT = 30_000;

/** Every service and announcement that lives, or was killed without a word. Needs no daemon. */
export async function discover(options: DiscoverOptions = {}): Promise<readonly Discovered[]> {
  const { run, folder } = await findProject(options);
  const isWanted = ({ project, ...card }: ServiceCard): boolean => {
    if (options.project === undefined) return card.folder === folder;
    return options.project === '*' || options.project === project;
  };
  return listCards(run)
    .filter((card) => isWanted(card) && livenessOf(card) !== 'stopped')
    .map(discovered)
    .sort((a, b) => Number(b.live) - Number(a.live) || a.name.localeCompare(b.name));
}

/** Those that announce a capability, for example `PROCESS_MANAGER`; the live ones first. */
export async function discoverByCapability(
  capability: string,
  options: DiscoverOptions = {},
): Promise<readonly Discovered[]> {
  return (await discover(options)).filter(({ capabilities }) => capabilities.includes(capability));
}

/** The service or announcement of this name; a live one before a stale one; null: there is none. */
export async function discoverService(name: string, options: DiscoverOptions = {}): Promise<Discovered | null> {
  return (await discover(options)).find((each) => each.name === name) ?? null;
}

function discovered(card: ServiceCard): Discovered {
  const live = livenessOf(card) === 'live';
  const { service, socket, announcement } = card;
  const ask = { service, socket: socket ?? '' };
  const context = (timeout: number | null) => ({ cwd: card.cwd, method: null, timeout });
  return {
    name: service,
    project: card.project,
    pid: card.pid,
    live,
    stale: !live,
    capabilities: [...new Set([...card.capabilities, ...(announcement?.capabilities ?? [])])],
    ports: card.ports.map(({ port }) => port),
    dependencies: card.dependencies,
    card,
    status: () => askService(reachable(ask), 'status', {}),
    async start({ timeout } = {}) {
      const limit = timeout ?? START_TIMEOUT;
      const remote = () => askService(reachable(ask), 'start', { timeout: limit }, limit + MARGIN);
      return { ...(await act(live, remote, () => runStart(announcement, context(limit)))), taken: [] };
    },
    async cleanup({ timeout } = {}) {
      const limit = timeout ?? announcement?.cleanup_timeout ?? null;
      const remote = () => askService(reachable(ask), 'cleanup', { timeout: limit }, (limit ?? 0) + MARGIN);
      const outcome = await act(live, remote, () => runCleanup(announcement, context(limit)));
      const taken = (announcement?.ports ?? []).filter(({ port, protocol }) => isListenedOn(port, protocol));
      return verified(
        outcome,
        taken.map(({ port }) => port),
      );
    },
    async shutdown(reason) {
      await askService(reachable(ask), 'shutdown', { reason: reason ?? null, timeout: null });
    },
  };
}

function reachable(who: { readonly service: string; readonly socket: string }): typeof who {
  if (who.socket !== '') return who;
  throw new ReeveError('SERVICE_UNREACHABLE', { name: who.service, how: 'absent', why: 'it has no control socket' });
}

/** The owner acts while it lives and answers; a dead one's commands are run here, its methods are gone with it. */
async function act(
  live: boolean,
  remote: () => Promise<ActionOutcome>,
  here: () => Promise<ActionOutcome>,
): Promise<Omit<VerifiedOutcome, 'taken'>> {
  const began = performance.now();
  if (!live) {
    const outcome = await here();
    const isGone = outcome.reason === 'not_announced';
    return isGone ? { ...outcome, message: 'its process is gone, and it announced no command for this' } : outcome;
  }
  try {
    return await remote();
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    return { ok: false, reason: 'unreachable', message: error.message, ms: Math.round(performance.now() - began) };
  }
}

function verified(outcome: Omit<VerifiedOutcome, 'taken'>, taken: readonly number[]): VerifiedOutcome {
  if (!outcome.ok || taken.length === 0) return { ...outcome, taken };
  const message = `port ${taken.join(', ')} still taken after the clean-up`;
  return { ...outcome, ok: false, reason: 'survived', message, taken };
}
