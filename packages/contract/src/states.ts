/** What an instance does, as the lifecycle table names it. `spawning` is shown to users as `starting`. */
export const STATE_NAMES = [
  'stopped',
  'waiting',
  'spawning',
  'starting',
  'running',
  'paused',
  'stopping',
  'backoff',
  'completed',
  'failed',
] as const;
export type StateName = (typeof STATE_NAMES)[number];
/** `spawning` is shown as `starting`, `paused` as `waiting`. */
export type ShownState = Exclude<StateName, 'spawning' | 'paused'>;

export type HealthName = 'healthy' | 'unhealthy' | 'unknown';

/** What the user wants, persisted before anything is done about it. */
export type Intent = 'up' | 'down';

/**
 * Why a run ended. `code` and `signal`: by itself, or by a signal that reeve did not send. `oom`: the kernel ended it for memory.
 * The others are reeve's doing: it was not ready in time (`timeout`), did not ping its watchdog, was `unhealthy`, needed
 * a `dependency` that went away, was `asked` to stop, or was `replaced` by a newer start.
 */
export const END_CAUSES = [
  'code',
  'signal',
  'oom',
  'timeout',
  'watchdog',
  'health',
  'dependency',
  'asked',
  'replaced',
  'unobserved',
] as const;
export type EndCause = (typeof END_CAUSES)[number];

/**
 * How a process ended. `unobserved`: no process that could wait for it was alive at that moment. `cause` is added by the
 * daemon once the whole run is over; the keeper, which only waits, leaves it out.
 */
export type Exit = { readonly at: string; readonly cause?: EndCause } & (
  | { readonly kind: 'code'; readonly code: number; readonly signal: null }
  | { readonly kind: 'signal'; readonly code: null; readonly signal: string }
  | { readonly kind: 'unobserved'; readonly code: null; readonly signal: null }
);

/**
 * Which process: never a bare pid. `boot` is the kernel's boot id, `start` the start time in clock ticks since boot
 * (`/proc/PID/stat` field 22). A forced pid reuse can repeat both, so a signal also asks for a {@link Witness}.
 */
export interface ProcessIdentity {
  readonly boot: string;
  readonly pid: number;
  readonly start: number;
}

/** The second fact that a process must still carry before it is signalled. Source: DESIGN.md decision 1. */
export interface Witness {
  /** `REEVE_RUN` in its environment. */
  readonly cookie: string | null;
  /** cgroup v2 path (below the mount point, begins with `/`) that it must be in or under. */
  readonly cgroup: string | null;
}

/** How a process was found to belong to a run. */
export type TrackerName =
  | 'main'
  | 'cgroup'
  | 'subreaper'
  | 'mark'
  | 'cookie'
  | 'session'
  | 'group'
  | 'tree'
  | 'port'
  | 'stream';
