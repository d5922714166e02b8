import { existsSync, readlinkSync } from 'node:fs';
import type { DaemonProblem } from '@reeve/contract';
import { programBuild, programMark } from '../base/fingerprint.ts';
import type { DaemonOptions } from './options.ts';

type Started = Pick<DaemonOptions, 'program' | 'build' | 'version'>;

/**
 * Looks what an upgrade has done to the files that this daemon was started from; null: they are as they were. Every list
 * asks, so files are read again only when they have been touched.
 */
export function watchProgram({ program, build, version }: Started): () => DaemonProblem | null {
  let known = { mark: '', isOurs: true };
  const isOurs = (): boolean => {
    const mark = programMark(program);
    if (mark !== known.mark) known = { mark, isOurs: programBuild(program) === build };
    return known.isOurs;
  };
  return () => {
    const what = changed(program, () => build === 'unknown' || isOurs());
    if (what === null) return null;
    const message = `the daemon (version ${version}) continues with what it has loaded: ${what}`;
    return { code: 'program_replaced', message, hint: 'reeve daemon upgrade (services keep running)' };
  };
}

function changed([node = '', file = '']: readonly string[], isOurs: () => boolean): string | null {
  if (!existsSync(file)) return `its program ${file} has been removed`;
  if (!existsSync(node)) return `its Node ${node} has been removed`;
  if (!isOurs()) return `its program ${file} has been replaced`;
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
