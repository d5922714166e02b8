import { type LogStream, ReeveError } from '@reeve/contract';
import { filesOf } from '@reeve/host';
import { compilePattern, PATTERN_SYNTAX, type Pattern, PatternProblem, PatternTooSlow } from '../../base/pattern.ts';
import { followLog } from '../../logs/follow-log.ts';
import { logEnd } from '../../logs/log-end.ts';
import type { LogPosition } from '../../logs/log-line.ts';
import { interleaveLogs, mergeLogs } from '../../logs/merge-logs.ts';
import { readLog } from '../../logs/read-log.ts';
import { logPaths } from '../../logs/segments.ts';
import { announcedOf } from '../announced-here.ts';
import { type ByHand, findByHand } from '../by-hand.ts';
import { linesOption, momentOption, selection } from '../command-line/read-options.ts';
import { type Context, has, optionValue, printJson, say } from '../context.ts';
import { tellSilence } from '../daemon/tell-silence.ts';
import { Interrupts } from '../interrupts.ts';
import type { Output } from '../io.ts';
import { type LogSource, lineFormat, logSource, nameWidthOf, type SourcedLine, withSource } from '../log-lines.ts';
import { pastServices, withMemory } from '../memory.ts';
import { findProject } from '../project/find-project.ts';
import { chooseServices } from '../project/unknown-service.ts';
import { declaredFacts, type ProjectFacts, projectFacts } from '../project-facts.ts';
import { SILENCE } from '../show/silence.ts';

const STANDARD = 100;

export async function run(context: Context): Promise<number> {
  const words = selection(context.args.positionals);
  const filter = await readFilter(context);
  const { facts, sources } = await chooseSources(context, words);
  if (has(context, 'paths')) return tellPaths(context, sources);
  const run = await resolveRun(context, facts, sources);
  const show = printer(context, sources, filter.grep);
  // What is not read (`reeve logs -f | less`) must not pile up here: the files keep it.
  const { out } = context.io;
  const ends = new Map<LogSource, LogPosition>();
  // Only what is followed from there must end with a whole line.
  if (has(context, 'follow')) for (const source of sources) ends.set(source, await logEnd(source.folder));
  const shown = await past(sources, { ...filter, ends, run, raw: has(context, 'raw') }, show, out);
  if (shown === 0)
    tellOfOutput(context, await findByHand(context, await findProject(context), words), has(context, 'follow'));
  if (!has(context, 'follow')) {
    return 0;
  }
  using interrupts = new Interrupts(context.io, ['SIGINT', 'SIGTERM'], { outputs: [out] });
  const { signal } = interrupts;
  const raw = has(context, 'raw');
  const watching = tellSilence(context, signal);
  const streams = sources.map((source) => {
    const from = ends.get(source) ?? 'end';
    return withSource(source, followLog({ folder: source.folder, from, stream: filter.stream, run, raw, signal }));
  });
  for await (const line of interleaveLogs(streams)) {
    show(line);
    await out.drained?.(signal);
  }
  await watching;
  return interrupts.code;
}

function tellNothing(context: Context): void {
  const isFiltered = ['since', 'until', 'grep', 'stream', 'run', 'trace'].some((name) => has(context, name));
  say(context, isFiltered ? 'no matching log lines' : 'nothing logged');
  if (!isFiltered) say(context, `  ${SILENCE}`);
}

/** Nothing is logged of what was started manually: its output goes where it was sent by the one who started it. */
function tellOfOutput(context: Context, byHand: readonly ByHand[], isFollowing: boolean): void {
  for (const { service, announced } of byHand) {
    const where = announced.liveness === 'live' ? filesOf(announced.card.pid)?.get(1) : undefined;
    const goes = where === undefined ? '' : `; it goes to ${where}`;
    say(context, `${service.name} was started manually, so reeve does not have its output${goes}`);
  }
  if (byHand.length === 0 && !isFollowing && !context.json) tellNothing(context);
}

interface Filter {
  readonly newest: number | null;
  readonly since: number | undefined;
  readonly until: number | undefined;
  readonly stream: LogStream | undefined;
  readonly grep: Pattern | null;
}

async function readFilter(context: Context): Promise<Filter> {
  const now = Date.now();
  const since = momentOption(context, 'since', now) ?? undefined;
  const until = momentOption(context, 'until', now) ?? undefined;
  // A window on time shows all that is in it, unless a number is given too.
  const isWindow = since !== undefined || until !== undefined;
  const newest = isWindow && !has(context, 'lines') ? null : linesOption(context, 'lines', STANDARD);
  if (until !== undefined && has(context, 'follow')) {
    throw new ReeveError('USAGE', { message: '--until and --follow cannot be combined' });
  }
  return {
    newest,
    since,
    until,
    stream: (optionValue(context, 'stream') as LogStream | null) ?? undefined,
    grep: await grepOption(context),
  };
}

async function grepOption(context: Context): Promise<Pattern | null> {
  const text = optionValue(context, 'grep');
  if (text === null) return null;
  try {
    return await compilePattern(text);
  } catch (error) {
    if (!(error instanceof PatternProblem)) throw error;
    throw badGrep(error, `expected ${PATTERN_SYNTAX}`);
  }
}

function badGrep(error: Error, hint: string): ReeveError {
  return new ReeveError('USAGE', { message: `--grep: ${error.message}`, hint });
}

function matches(grep: Pattern, line: string): boolean {
  try {
    return grep.test(line);
  } catch (error) {
    if (!(error instanceof PatternTooSlow)) throw error;
    throw badGrep(error, 'a simpler pattern, with smaller repetitions');
  }
}

/** Names from reeve's memory; what it has forgotten (`down`), from the config: the files may still be there. */
async function chooseSources(
  context: Context,
  words: readonly string[],
): Promise<{ facts: ProjectFacts; sources: readonly LogSource[] }> {
  const target = await findProject(context);
  const remembered = await projectFacts(context, target);
  const ended = await withMemory(context, (registry) => pastServices(registry, remembered.folder, words));
  const past = [...(ended ?? []), ...announcedOf(context, target).map(({ card }) => card.service)];
  try {
    return { facts: remembered, sources: sourcesOf(context, remembered, words, past) };
  } catch (error) {
    if (target.kind === 'named' || target.config === null) throw error;
    const declared = await declaredFacts(context, target).catch(() => null);
    if (!declared) throw error;
    return { facts: declared, sources: sourcesOf(context, declared, words, past) };
  }
}

/** `api`: all its instances; `api:1`: one of them. Throws SERVICE_UNKNOWN. */
function sourcesOf(
  context: Context,
  facts: ProjectFacts,
  words: readonly string[],
  past: readonly string[],
): readonly LogSource[] {
  const present = [...facts.services.keys()];
  const known = [...present, ...past];
  const place = { project: facts.name, folder: facts.folder };
  const wanted = words.length === 0 ? present : words;
  return wanted.flatMap((word) => {
    const [service = word] = chooseServices([word], facts.name, known);
    const instances = facts.services.get(service)?.instances ?? 1;
    const index = /:(\d+)$/.exec(word)?.[1];
    const indexes = index === undefined ? Array.from({ length: instances }, (_, i) => i) : [Number(index)];
    return indexes.map((i) => logSource(context, place, service, i, instances > 1 || i > 0));
  });
}

async function tellPaths(context: Context, sources: readonly LogSource[]): Promise<number> {
  const lists = await Promise.all(sources.map((source) => logPaths(source.folder)));
  const paths = lists.flat();
  if (context.json) printJson(context, { paths });
  else for (const path of paths) context.io.out.write(`${path}\n`);
  return 0;
}

/** `--run -1`: the run before the last, by what is remembered; else a run's id. Throws NOTHING_FOUND. */
async function resolveRun(
  context: Context,
  facts: ProjectFacts,
  sources: readonly LogSource[],
): Promise<string | undefined> {
  const text = optionValue(context, 'run');
  if (text === null) return undefined;
  const back = /^-?(\d{1,4})$/.exec(text)?.[1];
  if (back === undefined) {
    const known = await withMemory(context, (registry) => registry.runs.get(text));
    if (known && sources.some(({ service }) => service === known.service)) return text;
    throw new ReeveError('NOTHING_FOUND', { message: `there is no run ${text}; reeve events --json names them` });
  }
  const [source] = sources;
  if (!source || sources.length > 1) {
    throw new ReeveError('USAGE', {
      message: '--run -N needs one service, or one instance of it',
      hint: 'reeve logs api:0 --run -1',
    });
  }
  const runs = await withMemory(context, (registry) =>
    registry.runs.of(facts.folder, source.service, source.instance, Number(back) + 1),
  );
  const run = runs?.[Number(back)]?.run;
  if (run !== undefined) return run;
  throw new ReeveError('NOTHING_FOUND', {
    message: `${source.label} has had ${runs?.length ?? 0} runs: there is no run ${text}`,
  });
}

interface Window extends Filter {
  readonly ends: ReadonlyMap<LogSource, LogPosition>;
  readonly run: string | undefined;
  readonly raw: boolean;
}

/** What lies there already. Resolves with how many lines were shown. */
async function past(
  sources: readonly LogSource[],
  window: Window,
  show: (line: SourcedLine) => boolean,
  out: Output,
): Promise<number> {
  const { newest, since, until, stream, run, raw, grep, ends } = window;
  // What does not match must not count, so only then is everything read.
  const each = newest === null || grep ? 'all' : newest;
  const readers = sources.map((source) =>
    withSource(
      source,
      readLog({ folder: source.folder, stream, since, until, newest: each, run, raw, end: ends.get(source) }),
    ),
  );
  const kept: SourcedLine[] = [];
  let shown = 0;
  for await (const line of mergeLogs(readers)) {
    if (newest === null) {
      shown += show(line) ? 1 : 0;
      await out.drained?.();
      if (out.lost?.aborted) break;
    } else if (!grep || matches(grep, line.line)) kept.push(line);
    if (newest !== null && kept.length > 2 * newest + 1000) kept.splice(0, kept.length - newest);
  }
  if (newest !== null && newest > 0) for (const line of kept.slice(-newest)) shown += show(line) ? 1 : 0;
  return shown;
}

/** Prints a line if it matches, and on a terminal where another run begins. */
function printer(
  context: Context,
  sources: readonly LogSource[],
  grep: Pattern | null,
): (line: SourcedLine) => boolean {
  const { style, json, io } = context;
  const raw = has(context, 'raw');
  const format = lineFormat(sources, { style, json, raw, times: true, nameWidth: nameWidthOf(sources) });
  const runs = new Map<string, string>();
  return (line) => {
    if (grep && !matches(grep, line.line)) return false;
    const { label } = line.source;
    const before = runs.get(label);
    if (style.rich && !json && !raw && before !== undefined && before !== line.run) {
      io.out.write(`${style.paint('grey', `-- ${label}: new run (${line.run})`)}\n`);
    }
    runs.set(label, line.run);
    io.out.write(format(line));
    return true;
  };
}
