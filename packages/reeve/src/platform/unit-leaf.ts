/** The cgroup of the daemon, below that of its unit. */
export const LEAF = 'daemon';
const IN_LEAF = new RegExp(`^(/.*\\.service)/${LEAF}$`);

/** The cgroup in which runs belong: that of the unit, when the daemon is in its leaf; else the daemon's own. */
export function aroundLeaf(own: string): string {
  return IN_LEAF.exec(own)?.[1] ?? own;
}
