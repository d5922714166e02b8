/** What an instance does, as the lifecycle table names it. `spawning` is shown to users as `starting`. */
export const STATE_NAMES = [
  'stopped',
  'waiting',
  'spawning',
  'starting',
  'running',
  'stopping',
  'backoff',
  'completed',
  'failed',
] as const;
export type StateName = (typeof STATE_NAMES)[number];
export type ShownState = Exclude<StateName, 'spawning'>;

export type HealthName = 'healthy' | 'unhealthy' | 'unknown';

/** What the user wants, persisted before anything is done about it. */
export type Intent = 'up' | 'down';

/** How a process ended. `unobserved`: nobody who could wait for it was alive at that moment. */
export type Exit =
  | { readonly kind: 'code'; readonly code: number; readonly signal: null; readonly at: string }
  | { readonly kind: 'signal'; readonly code: null; readonly signal: string; readonly at: string }
  | { readonly kind: 'unobserved'; readonly code: null; readonly signal: null; readonly at: string };

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
