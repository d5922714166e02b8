import { existsSync, readlinkSync } from 'node:fs';
import type { DaemonProblem } from '@reeve/contract';
import { programBuild } from '../base/fingerprint.ts';
import type { DaemonOptions } from './options.ts';

/** What an upgrade has done to the files that this daemon was started from; null: they are as they were. */
export function programReplaced({
  program,
  build,
  version,
}: Pick<DaemonOptions, 'program' | 'build' | 'version'>): DaemonProblem | null {
  const what = changed(program, build);
  if (what === null) return null;
  const message = `the daemon (version ${version}) continues with what it has loaded: ${what}`;
  return { code: 'program_replaced', message, hint: 'reeve daemon upgrade (services keep running)' };
}

function changed([node = '', file = '']: readonly string[], build: string): string | null {
  if (!existsSync(file)) return `its program ${file} has been removed`;
  if (!existsSync(node)) return `its Node ${node} has been removed`;
  if (build !== 'unknown' && programBuild([node, file]) !== build) return `its program ${file} has been replaced`;
  return isDeleted('/proc/self/exe') ? `its Node ${node} has been replaced` : null;
}

/** Said by the kernel of a program whose file has lost its name. */
function isDeleted(link: string): boolean {
  try {
    return readlinkSync(link).endsWith(' (deleted)');
  } catch {
    return false; // no /proc
  }
}
