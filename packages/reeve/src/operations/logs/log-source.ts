import { join } from 'node:path';
import { type HomePaths, instanceId } from '@reeve/host';
import { maskValues } from '../../core/spec/environment.ts';
import { ByteFollower } from '../../logs/follow-bytes.ts';
import type { LogLine } from '../../logs/log-line.ts';
import { logPaths } from '../../logs/segments.ts';
import type { SecretsOf } from './secret-values.ts';

/** One instance's log. */
export interface LogSource {
  readonly project: string;
  readonly service: string;
  readonly instance: number;
  /** `api`, or `api:1` where there are several. */
  readonly label: string;
  /** Folder of its segments. */
  readonly folder: string;
  /** What is masked in its lines. */
  readonly secrets: () => Promise<readonly string[]>;
}

/** A project whose logs are read. */
export interface LogPlace {
  readonly paths: Pick<HomePaths, 'logs'>;
  readonly project: string;
  /** Of the project. */
  readonly folder: string;
  readonly secrets: SecretsOf;
}

export function logSource(
  { paths, project, folder, secrets }: LogPlace,
  service: string,
  instance: number,
  isOneOfMany: boolean,
): LogSource {
  return {
    project,
    service,
    instance,
    label: isOneOfMany ? `${service}:${instance}` : service,
    folder: join(paths.logs, instanceId(folder, service, instance)),
    secrets: () => secrets(service),
  };
}

/** The files of these logs. */
export async function logFiles(sources: readonly LogSource[]): Promise<readonly string[]> {
  return (await Promise.all(sources.map(({ folder }) => logPaths(folder)))).flat();
}

export type RunOutput = Pick<ByteFollower, 'follow' | 'isMissingSome'>;

/** What the next run writes, byte for byte and unmasked: for who has started the command as from a shell. */
export function outputOfNextRun({ folder }: Pick<LogSource, 'folder'>): Promise<RunOutput> {
  return ByteFollower.open(folder);
}

/** A line with whose it is. */
export interface SourcedLine extends LogLine {
  readonly source: LogSource;
}

/** The lines of a source, masked. */
export async function* withSource(source: LogSource, lines: AsyncIterable<LogLine>): AsyncGenerator<SourcedLine> {
  let secrets: readonly string[] | null = null;
  for await (const line of lines) {
    secrets ??= await source.secrets();
    yield secrets.length === 0 ? { ...line, source } : { ...masked(line, secrets), source };
  }
}

/** Bytes are masked as bytes: what is not UTF-8 stays as it is. */
function masked(line: LogLine, secrets: readonly string[]): LogLine {
  const text = { ...line, line: maskValues(line.line, secrets) };
  if (line.bytes === undefined) return text;
  const asBytes = secrets.map((secret) => Buffer.from(secret).toString('latin1'));
  return { ...text, bytes: Buffer.from(maskValues(line.bytes.toString('latin1'), asBytes), 'latin1') };
}
