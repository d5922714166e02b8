import { statSync } from 'node:fs';
import type { EventView } from '@reeve/contract';
import { pause } from '@reeve/host';
import type { EventQuery, Registry, StoredEvent } from '../../core/registry.ts';
import { eventView } from '../../core/view.ts';
import { announcedOf } from '../announced-here.ts';
import { linesOption, momentOption, selection } from '../command-line/read-options.ts';
import { type Context, has, say } from '../context.ts';
import { pathsOf } from '../daemon/reach-daemon.ts';
import { tellSilence } from '../daemon/tell-silence.ts';
import { Interrupts } from '../interrupts.ts';
import { pastServices, rememberedProject, withMemory } from '../memory.ts';
import { findProject, unknownProject } from '../project/find-project.ts';
import type { Target } from '../project/target.ts';
import { chooseServices } from '../project/unknown-service.ts';
import { clockTime, localDate } from '../terminal/amounts.ts';
import { oneLine } from '../terminal/safe-text.ts';

const STANDARD = 50;
/** How often new ones are looked for in the registry, which is there whether or not a daemon is. Milliseconds. */
const EVERY = 200;

export async function run(context: Context): Promise<number> {
  const words = selection(context.args.positionals);
  const target = has(context, 'all') ? null : await findProject(context);
  const since = momentOption(context, 'since', Date.now());
  // A window on time shows all that is in it, unless a number is given too.
  const newest = has(context, 'since') && !has(context, 'lines') ? null : linesOption(context, 'lines', STANDARD);
  const scope = await scopeOf(context, target, words);
  // What comes while the past is shown is left to the follower, so that nothing is shown twice.
  let last = (await withMemory(context, newestOf)) ?? NOTHING;
  const shown = await show(context, { ...scope, since, newest, after: 0, upTo: last.seq });
  if (shown === 0 && !context.json && !has(context, 'follow')) say(context, 'nothing has happened yet');
  if (!has(context, 'follow')) return 0;
  using interrupts = new Interrupts(context.io, ['SIGINT', 'SIGTERM'], { outputs: [context.io.out] });
  const { signal } = interrupts;
  const watching = tellSilence(context, signal);
  const tell = (registry: Registry): void => {
    const now = newestOf(registry);
    if (now.seq <= last.seq) return;
    print(context, find(registry, { ...scope, since, newest: null, after: last.seq, upTo: now.seq }));
    last = now;
  };
  const begin = (registry: Registry): void => {
    last = lastIn(registry, last);
  };
  while (!signal.aborted) {
    await withMemory(context, (registry) => follow(context, registry, { begin, tell }, signal));
    await pause(EVERY, signal);
  }
  await watching;
  return interrupts.code;
}

/** One reader for as long as the file is the one that was opened: after a repair or a restore another lies there. */
async function follow(
  context: Context,
  registry: Registry,
  { begin, tell }: Record<'begin' | 'tell', (registry: Registry) => void>,
  signal: AbortSignal,
): Promise<void> {
  const file = pathsOf(context).registry;
  const opened = inodeOf(file);
  begin(registry);
  do tell(registry);
  while ((await pause(EVERY, signal)) && inodeOf(file) === opened);
}

function inodeOf(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.ino ?? null;
}

interface Scope {
  /** null: of every project. */
  readonly folder: string | null;
  /** Empty: of every service. */
  readonly services: readonly string[];
}

/** What has happened outlives the project that it happened to: `down` keeps it. Throws what makes exit code 4. */
async function scopeOf(context: Context, target: Target | null, words: readonly string[]): Promise<Scope> {
  if (target === null) return { folder: null, services: words };
  const byHand = announcedOf(context, target);
  const known = await withMemory(context, (registry): Scope | null => {
    const project = rememberedProject(registry, target);
    if (project) {
      const present = registry.services.of(project.folder).map(({ name }) => name);
      const said = byHand.map(({ card }) => card.service);
      const names = [...present, ...pastServices(registry, project.folder, words), ...said];
      const services = words.length === 0 ? [] : chooseServices(words, project.name, names);
      return { folder: project.folder, services };
    }
    return target.kind === 'folder' && hasHistory(registry, target.folder)
      ? { folder: target.folder, services: words }
      : null;
  });
  if (known) return known;
  if (byHand[0]) return { folder: byHand[0].card.folder, services: words };
  if (target.kind === 'named' || target.config === null) throw unknownProject(target);
  return { folder: target.folder, services: words };
}

function hasHistory(registry: Registry, folder: string): boolean {
  return registry.events.find({ folder, newest: 1 }).length > 0;
}

interface Wanted extends Scope {
  readonly since: number | null;
  readonly newest: number | null;
  /** Only with a higher `seq` than `after`, and none higher than `upTo`. */
  readonly after: number;
  readonly upTo: number;
}

type Last = Pick<StoredEvent, 'seq' | 'at'>;
const NOTHING: Last = { seq: 0, at: 0 };

function newestOf(registry: Registry): Last {
  return registry.events.find({ newest: 1 })[0] ?? NOTHING;
}

/** The last event that was shown, as numbered in the file that is there now: an older one may have been put back. */
function lastIn(registry: Registry, last: Last): Last {
  if (last.seq === 0 || registry.events.get(last.seq)?.at === last.at) return last;
  const [next] = registry.events.find({ since: last.at + 1 });
  return { seq: next ? next.seq - 1 : newestOf(registry).seq, at: last.at };
}

/** Prints what matches. Resolves with how many it was. */
async function show(context: Context, wanted: Wanted): Promise<number> {
  const found = (await withMemory(context, (registry) => find(registry, wanted))) ?? [];
  print(context, found);
  return found.length;
}

function print(context: Context, found: readonly EventView[]): void {
  for (const event of found) context.io.out.write(`${context.json ? JSON.stringify(event) : line(context, event)}\n`);
}

function find(registry: Registry, { folder, services, since, newest, after, upTo }: Wanted): readonly EventView[] {
  if (newest === 0) return [];
  const query: EventQuery = {
    ...(folder === null ? {} : { folder }),
    ...(after > 0 ? { after_seq: after } : {}),
    ...(since === null ? {} : { since }),
    ...(newest === null ? {} : { newest }),
  };
  const lists =
    services.length === 0
      ? [registry.events.find(query)]
      : services.map((service) => registry.events.find({ ...query, service }));
  const sorted = lists
    .flat()
    .filter(({ seq }) => seq <= upTo)
    .sort((a, b) => a.seq - b.seq);
  return (newest === null ? sorted : sorted.slice(Math.max(0, sorted.length - newest))).map(eventView);
}

function line(context: Context, event: EventView): string {
  const { style } = context;
  const instance = event.instance === null || event.instance === 0 ? '' : `:${event.instance}`;
  const who = event.service === null ? event.project : `${event.service}${instance}`;
  const project = has(context, 'all') && event.service !== null ? `${event.project}/` : '';
  const name = style.paint('cyan', oneLine(`${project}${who}`));
  return `${style.paint('grey', timeOf(context, event.at))}  ${name}  ${oneLine(event.message)}`;
}

/** On a terminal the local time of day, with the date when it is not today; elsewhere as it is. */
function timeOf({ style }: Context, at: string): string {
  if (!style.rich) return at;
  const then = Date.parse(at);
  const date = localDate(then);
  return `${date === localDate(Date.now()) ? '' : `${date} `}${clockTime(then)}`;
}
