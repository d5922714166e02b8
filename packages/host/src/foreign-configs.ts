import { readdirSync } from 'node:fs';

/** Files by which other managers know a project, and whose they are. */
const FOREIGN: readonly (readonly [pattern: RegExp, tool: string])[] = [
  [/^(docker-)?compose(\.[\w-]+)?\.ya?ml$/, 'Docker Compose'],
  [/^process-compose(\.[\w-]+)?\.ya?ml$/, 'process-compose'],
  [/^(ecosystem|pm2)(\.[\w-]+)*\.(c?js|mjs|json|ya?ml)$/, 'pm2'],
  [/^Procfile(\.[\w-]+)?$/, 'a Procfile'],
  [/^supervisord?\.(conf|ini)$/, 'supervisord'],
  [/^mprocs\.ya?ml$/, 'mprocs'],
];

export interface ForeignConfig {
  readonly file: string;
  readonly tool: string;
}

/** The configs of other managers in a folder: what it is for, although there is none of reeve's. */
export function foreignConfigs(folder: string): readonly ForeignConfig[] {
  return filesIn(folder).flatMap((file) => {
    const tool = FOREIGN.find(([pattern]) => pattern.test(file))?.[1];
    return tool === undefined ? [] : [{ file, tool }];
  });
}

/** `docker-compose.yml (Docker Compose) and Procfile`; null: there are none. */
export function describeForeign(folder: string): string | null {
  const shown = foreignConfigs(folder).map(({ file, tool }) => (tool === 'a Procfile' ? file : `${file} (${tool})`));
  return shown.length === 0 ? null : shown.join(' and ');
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return []; // gone, or not ours to read
  }
}
