export interface DaemonOptions {
  readonly home: string;
  readonly version: string;
  /** argv of the keeper program. */
  readonly keeper: readonly string[];
  /** Called once it answers on its socket. */
  readonly onReady: () => void;
}
