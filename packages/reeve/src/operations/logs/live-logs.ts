import type { LogParams } from '@reeve/contract';
import type { HomePaths } from '@reeve/host';
import { indexOf, selectServices } from '../../supervisor/intents/selection.ts';
import type { Project } from '../../supervisor/project.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import type { OperationCall } from '../operation-types.ts';
import { lineView } from './line-view.ts';
import { type LogPlace, type LogSource, logSource, type SourcedLine } from './log-source.ts';
import { compileGrep, logEnds, nextLines, pastLines } from './read-logs.ts';
import { type SecretsOf, secretsIn } from './secret-values.ts';

/** `logs`: pushes the lines that lie there and, with `follow`, those that come, as fast as they are taken. */
export async function liveLogs(
  supervisor: Supervisor,
  paths: HomePaths,
  params: LogParams,
  call: OperationCall<'logs'>,
): Promise<{ readonly lines: number }> {
  const project = supervisor.find(params.project);
  const { row } = project;
  const place = { paths, project: row.name, folder: row.folder, secrets: secretsOf(supervisor, project) };
  const sources = sourcesOf(place, project, params.services);
  const query = {
    newest: params.newest,
    since: params.since ?? undefined,
    until: params.until ?? undefined,
    stream: params.stream ?? undefined,
    run: params.run ?? undefined,
    grep: params.grep === null ? null : await compileGrep(params.grep),
    raw: false,
  };
  const ends = params.follow ? await logEnds(sources) : new Map();
  const past = await pushAll(pastLines(sources, query, ends), call);
  const next = params.follow ? await pushAll(nextLines(sources, query, ends, call.signal), call) : 0;
  return { lines: past + next };
}

async function pushAll(lines: AsyncIterable<SourcedLine>, call: OperationCall<'logs'>): Promise<number> {
  let count = 0;
  for await (const line of lines) {
    call.push(lineView(line));
    count += 1;
    await call.drained?.();
    if (call.signal.aborted) break;
  }
  return count;
}

/** `api`: all its instances; `api:1`: one of them. Throws SERVICE_UNKNOWN. */
function sourcesOf(place: LogPlace, project: Project, words: readonly string[]): readonly LogSource[] {
  const wanted = words.length === 0 ? [...project.services.keys()] : words;
  return wanted.flatMap((word) => {
    const [name = word] = selectServices(project, [word]);
    const all = project.service(name).instances.map(({ index }) => index);
    const one = indexOf(word);
    return (one === null ? all : [one]).map((index) => logSource(place, name, index, all.length > 1));
  });
}

/** What the runs of the service were started with, besides what can be read of it now. */
function secretsOf({ deps: { registry } }: Supervisor, project: Project): SecretsOf {
  const readable = secretsIn(async (read) => read(registry), project.row.folder);
  return async (name) => {
    const started = project.service(name).instances.flatMap(({ live }) => live?.resolved.secrets ?? []);
    return [...new Set([...(await readable(name)), ...started])];
  };
}
