import { readlinkSync } from 'node:fs';

/** What the kernel puts behind the name of a working folder that has been removed. */
const DELETED = ' (deleted)';

/** Where this process is: also where it was, when the folder has been removed since, which `process.cwd()` refuses. */
export function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    return removedFolder() ?? process.env['PWD'] ?? '/';
  }
}

function removedFolder(): string | null {
  try {
    const link = readlinkSync('/proc/self/cwd');
    return link.endsWith(DELETED) ? link.slice(0, -DELETED.length) : link;
  } catch {
    return null; // no such system
  }
}
