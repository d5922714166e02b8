/** Names of projects, services and groups. Unique without regard to case. */
export const NAME_PATTERN = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$/;
/** What `ManagedService` demands; in a config other forms are accepted and `validate` notes them. */
export const KEBAB_PATTERN = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** A name made of what was written, or null. */
export function properName(text: string): string | null {
  const name = text
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 100);
  return NAME_PATTERN.test(name) ? name : null;
}
/** The only node until there is a fleet; it is in every key from the first migration on. */
export const LOCAL_NODE = 'local';

/** In the environment of a daemon and its keeper: they belong to no run, though a service may have started them. */
export const DAEMON_MARK = 'REEVE_DAEMON';

/** `REEVE_DETACHED=1` in the environment of a process: it is its user's, though it carries the cookie or mark of a run. */
export const DETACHED_MARK = 'REEVE_DETACHED';
