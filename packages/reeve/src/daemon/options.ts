export interface DaemonOptions {
  readonly home: string;
  readonly version: string;
  /** argv of this program, as far as a successor of the same kind would be started by it. */
  readonly program: readonly string[];
  /** Its fingerprint, 8 hex: tells whether the program on the disk is still this one. */
  readonly build: string;
  /** argv of the keeper program. */
  readonly keeper: readonly string[];
  /** Called once it answers on its socket, and awaited. */
  readonly onReady: () => Promise<void> | void;
}
