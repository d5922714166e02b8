import type { CallName, Calls, Requester } from '@reeve/contract';
import type { Push } from '@reeve/sdk';

/** The calls that change something. */
export type ChangingVerb = Extract<
  CallName,
  'apply' | 'start' | 'restart' | 'stop' | 'stopAll' | 'down' | 'cleanup' | 'signal' | 'kill'
>;
/** All that are operations. `ps`, `why` and `ports` are not in this table yet. */
export type Verb = ChangingVerb | 'hunt' | 'logs' | 'plan';
/** These need no daemon; without one `stop`, `stopAll` and `down` mean what was started manually. */
export type OfflineVerb = 'hunt' | 'kill' | 'stop' | 'stopAll' | 'down';

export interface OperationCall<V extends CallName> {
  /** Reports progress before the result. */
  readonly push: (value: Push<V>) => void;
  /** Resolves when more may be pushed, or the caller is gone; left out: the caller takes everything at once. */
  readonly drained?: () => Promise<void>;
  /** Aborted when the caller no longer waits; what was accepted goes ahead. */
  readonly signal: AbortSignal;
  readonly requester: Requester;
}

/** One method per verb; parameters and results are those of the control protocol. Throws `ReeveError`. */
export type Operations = {
  readonly [V in Verb]: (params: Calls[V]['params'], call: OperationCall<V>) => Promise<Calls[V]['ok']>;
} & {
  /** `daemon stop --with-services`: what the daemon runs. */
  readonly stopManaged: (requester: Requester) => Promise<readonly Calls['stop']['ok']['receipt'][]>;
};
