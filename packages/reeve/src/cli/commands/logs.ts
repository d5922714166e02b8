import { type LogStream, ReeveError } from '@reeve/contract';
import { filesOf } from '@reeve/host';
import { type LogSource, logFiles, logSource, type SourcedLine } from '../../operations/logs/log-source.ts';
import {
  compileGrep,
  type LogEnds,
  type LogQuery,
  logEnds,
  nextLines,
  pastLines,
} from '../../operations/logs/read-logs.ts';
import { announcedOf } from '../announced-here.ts';
import { type ByHand, findByHand } from '../by-hand.ts';
import { linesOption, momentOption, selection } from '../command-line/read-options.ts';
import { type Context, has, optionValue, printJson, say } from '../context.ts';
import { tellSilence } from '../daemon/tell-silence.ts';
import { Interrupts } from '../interrupts.ts';
import { lineFormat, logPlace, nameWidthOf } from '../log-lines.ts';
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
  const query = { ...filter, run: await resolveRun(context, facts, sources) };
  const show = printer(context, sources);
  const isFollowing = has(context, 'follow');
  // Only what is followed from there must end with a whole line.
  const ends: LogEnds = isFollowing ? await logEnds(sources) : new Map();
  let shown = 0;
  const { out } = context.io;
  for await (const line of pastLines(sources, query, ends)) {
    show(line);
    shown += 1;
    await out.drained?.();
    if (out.lost?.aborted) break;
  }
  if (shown === 0) tellOfOutput(context, await findByHand(context, await findProject(context), words), isFollowing);
  return isFollowing ? follow(context, sources, query, ends, show) : 0;
}

/** What is not read (`reeve logs -f | less`) must not pile up here: the files keep it. */
async function follow(
  context: Context,
  sources: readonly LogSource[],
  query: LogQuery,
  ends: LogEnds,
  show: (line: SourcedLine) => void,
): Promise<number> {
  const { out } = context.io;
  using interrupts = new Interrupts(context.io, ['SIGINT', 'SIGTERM'], { outputs: [out] });
  const { signal } = interrupts;
  const watching = tellSilence(context, signal);
  for await (const line of nextLines(sources, query, ends, signal)) {
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

async function readFilter(context: Context): Promise<Omit<LogQuery, 'run'>> {
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
    raw: has(context, 'raw'),
  };
}

async function grepOption(context: Context): Promise<LogQuery['grep']> {
  const text = optionValue(context, 'grep');
  return text === null ? null : compileGrep(text);
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
  const place = logPlace(context, facts.name, facts.folder);
  const wanted = words.length === 0 ? present : words;
  return wanted.flatMap((word) => {
    const [service = word] = chooseServices([word], facts.name, known);
    const instances = facts.services.get(service)?.instances ?? 1;
    const index = /:(\d+)$/.exec(word)?.[1];
    const indexes = index === undefined ? Array.from({ length: instances }, (_, i) => i) : [Number(index)];
    return indexes.map((i) => logSource(place, service, i, instances > 1 || i > 0));
  });
}

async function tellPaths(context: Context, sources: readonly LogSource[]): Promise<number> {
  const paths = await logFiles(sources);
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

/** Prints a line, and on a terminal where another run begins. */
function printer(context: Context, sources: readonly LogSource[]): (line: SourcedLine) => void {
  const { style, json, io } = context;
  const raw = has(context, 'raw');
  const format = lineFormat(sources, { style, json, raw, times: true, nameWidth: nameWidthOf(sources) });
  const runs = new Map<string, string>();
  return (line) => {
    const { label } = line.source;
    const before = runs.get(label);
    if (style.rich && !json && !raw && before !== undefined && before !== line.run) {
      io.out.write(`${style.paint('grey', `-- ${label}: new run (${line.run})`)}\n`);
    }
    runs.set(label, line.run);
    io.out.write(format(line));
  };
}
