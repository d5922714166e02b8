import type { CallName, Calls } from '@reeve/contract';
import type { Push } from '@reeve/sdk';
import type { Logger } from 'pino';

export interface ControlCall<N extends CallName> {
  /** Sends something before the answer. Does nothing once the connection is gone. */
  readonly push: (value: Push<N>) => void;
  /** Resolves when the client has read enough that more may be sent, or is gone: for what pushes much. */
  readonly drained: () => Promise<void>;
  /** Aborted when the connection closes or the server does; its reason is a `ReeveError`. */
  readonly signal: AbortSignal;
  /** Which client; counts up from 1. */
  readonly connection: number;
}
/** A `ReeveError` is sent as it is; anything else that is thrown becomes INTERNAL, with the details in the log only. */
export type ControlHandlers = {
  readonly [N in CallName]: (
    params: Calls[N]['params'],
    call: ControlCall<N>,
  ) => Promise<Calls[N]['ok']> | Calls[N]['ok'];
};
export type ControlLog = Pick<Logger, 'debug' | 'warn' | 'error'>;
/** What connections need of their server. */
export interface ServerShared {
  readonly log: ControlLog;
  readonly handle: (call: CallName, params: unknown, context: ControlCall<CallName>) => Promise<Calls[CallName]['ok']>;
}
