import { type Exit, ReeveError, type ServiceCard } from '@reeve/contract';
import type { ActionMethods } from './announcement.ts';
import { passGuard } from './guard.ts';
import type { ServicePlace } from './place.ts';
import { type CardChange, Presence, type PresenceHandlers } from './presence.ts';
import { runCleanup, runStart } from './run-action.ts';
import { warn } from './warn.ts';

/** In the copy that runs: the command line (`process.argv`) and working folder of another that was just started. */
export type SecondInstanceHandler = (argv: readonly string[], cwd: string) => unknown;

export interface OwnerOptions {
  readonly kind: ServiceCard['kind'];
  readonly title: string | null;
  readonly description: string;
  readonly methods: () => ActionMethods;
  readonly shutdown: (reason: string | null, timeout: number | null) => void;
  readonly secondInstance: () => SecondInstanceHandler | null;
}

/**
 * A name that this program holds, with the methods behind its announcement. `presence` is null where reeve started us
 * as a user who may not enter its home: then reeve itself sees to it that there is one of us.
 */
export class Owner {
  readonly presence: Presence | null;
  #card: Partial<ServiceCard> = {};

  private constructor(presence: Presence | null) {
    this.presence = presence;
  }

  /** Throws `AlreadyRunning`, HOME_UNSAFE, and what the guard throws. */
  static async open(place: ServicePlace, options: OwnerOptions): Promise<Owner> {
    const { kind, title, description } = options;
    if (kind === 'service') await passGuard(place);
    let presence: Presence | null = null;
    const card = () => presence?.card ?? null;
    try {
      presence = await Presence.open(place, { kind, title, description, handlers: handlers(options, card) });
    } catch (error) {
      if (place.cookie === null || !isClosedToUs(error)) throw error;
      warn(
        'REEVE_HOME',
        `${(error as Error).message}: no control socket for ${place.service}; reeve still supervises it`,
      );
    }
    return new Owner(presence);
  }

  get card(): Pick<Partial<ServiceCard>, 'announcement' | 'ports'> {
    return this.presence?.card ?? this.#card;
  }

  say(change: CardChange, when: 'now' | 'soon' = 'now'): void {
    this.#card = { ...this.#card, ...change };
    if (Object.keys(change).length > 0) this.presence?.update(change, when);
  }

  async close(exit: Exit | null): Promise<void> {
    await this.presence?.close(exit);
  }
  closeNow(exit: Exit | null): void {
    this.presence?.closeNow(exit);
  }
}

function handlers(options: OwnerOptions, card: () => ServiceCard | null): PresenceHandlers {
  const context = (method: (() => unknown) | null, timeout: number | null) => ({ cwd: process.cwd(), method, timeout });
  return {
    start: ({ timeout }) => runStart(card()?.announcement ?? null, context(options.methods().start, timeout)),
    cleanup: ({ timeout }) => runCleanup(card()?.announcement ?? null, context(options.methods().cleanup, timeout)),
    shutdown: ({ reason, timeout }) => {
      // After the answer is on its way.
      setImmediate(() => options.shutdown(reason, timeout));
      return { accepted: true, pid: process.pid };
    },
    second_instance: ({ argv, cwd }) => {
      const handler = options.secondInstance();
      if (handler) void tell(handler, argv, cwd);
      return { accepted: handler !== null };
    },
  };
}

/** A handler that fails takes nothing from the service. */
async function tell(handler: SecondInstanceHandler, argv: readonly string[], cwd: string): Promise<void> {
  try {
    await handler(argv, cwd);
  } catch (error) {
    warn('REEVE_SECOND_INSTANCE', `onSecondInstance failed: ${error instanceof Error ? error.stack : String(error)}`);
  }
}

function isClosedToUs(error: unknown): boolean {
  if (error instanceof ReeveError) return error.code === 'HOME_UNSAFE';
  return (error as NodeJS.ErrnoException).code === 'EACCES';
}
