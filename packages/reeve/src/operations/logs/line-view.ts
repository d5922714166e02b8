import type { LogLineView, LostOutput } from '@reeve/contract';
import { iso } from '../../base/instant.ts';
import { lineSafe } from '../../base/line-safe.ts';
import type { SourcedLine } from './log-source.ts';

export function lineView({ at, seq, run, stream, line, source, lost }: SourcedLine): LogLineView {
  const { project, service, instance } = source;
  const view = { at: iso(at), seq, project, service, instance, run, stream, line };
  return lost === undefined ? view : { ...view, lost };
}

/** What stands where output is missing. */
export function lostText({ bytes, why }: LostOutput): string {
  const what = bytes === null ? 'output' : `${bytes} bytes of output`;
  return `-- ${what} lost here: ${lineSafe(why, { colours: false })}`;
}
