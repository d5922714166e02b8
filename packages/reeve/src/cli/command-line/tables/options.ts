// Arguments and options that several commands take: the same word means the same everywhere.
import type { OptionSpec } from '../command-table.ts';
import { readDuration, readLines, readMoment } from '../read-options.ts';

export const services = { name: 'svc', many: true, complete: 'service' } as const;
export const service = { name: 'svc', required: true, complete: 'service' } as const;
export const timeout = (summary: string): OptionSpec => ({
  name: 'timeout',
  value: 'TIME',
  check: readDuration,
  summary,
});
export const follow: OptionSpec = { name: 'follow', short: 'f', summary: 'Continue as more comes, until Ctrl-C' };
export const newest = (standard: string): OptionSpec => ({
  name: 'lines',
  short: 'n',
  value: 'N',
  check: readLines,
  summary: `The newest N, or \`all\`; default ${standard}`,
});
export const since: OptionSpec = {
  name: 'since',
  value: 'TIME',
  check: (text, name) => readMoment(text, name),
  summary: 'Not older than this: 10m, 2h, or 2026-11-21T10:00:00Z',
};
export const all = (summary: string): OptionSpec => ({ name: 'all', summary });
export const force: OptionSpec = { name: 'force', summary: 'Do not wait for the grace: SIGKILL at once' };
