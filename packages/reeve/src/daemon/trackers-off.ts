import { ALL_TRACKERS, type TrackerSwitches } from '../platform/membership.ts';

/**
 * `REEVE_TRACKERS_OFF=cgroup,mark`: switches trackers off, for tests and for diagnosis (docs/why/trackers.md). What is
 * not the name of one is left out: a daemon does not refuse to start for the sake of a test.
 */
export function trackersOff(names: string | undefined): Partial<TrackerSwitches> {
  const off = (names ?? '').split(',').filter((name) => name in ALL_TRACKERS);
  return Object.fromEntries(off.map((name) => [name, false]));
}
