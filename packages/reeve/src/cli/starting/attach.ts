import type { ProjectRef, Receipt } from '@reeve/contract';
import { pause } from '@reeve/host';
import type { Loaded } from '../../config/load.ts';
import { edgesOf, withNeeded } from '../../core/graph/graph.ts';
import { LogFollower } from '../../operations/logs/log-follower.ts';
import { type LogSource, logSource, type SourcedLine } from '../../operations/logs/log-source.ts';
import { type Context, say } from '../context.ts';
import { longCall } from '../daemon/long-call.ts';
import { connectIfRunning, connectOrStart, isLost, isSilent } from '../daemon/reach-daemon.ts';
import { tellSilence } from '../daemon/tell-silence.ts';
import { Interrupted, Interrupts } from '../interrupts.ts';
import { leftByThirdPress } from '../later-presses.ts';
import { lineFormat, logPlace, nameWidthOf } from '../log-lines.ts';
import { operationsTo } from '../operations-of.ts';
import { askDaemon } from '../project-views.ts';
import { tellLifecycle } from '../show/lifecycle-lines.ts';
import { showReceipt, stopTarget } from '../stop-services.ts';
import { bringUp } from './bring-up.ts';

/** Between two attempts to find a daemon that went away. Milliseconds. */
const RETRY = 1_000;
const GONE = 'the daemon has gone; services keep running and are supervised again when it is back';

/**
 * `up` that stays: brings everything up, then shows what it says. Ctrl-C and SIGTERM stop what was named and print the
 * receipt; a hang-up leaves it running. Ends by itself when everything has ended. Returns the exit code.
 */
export async function upAttached(context: Context, loaded: Loaded, services: readonly string[]): Promise<number> {
  const { project } = loaded;
  const ref = { folder: project.folder };
  const names = followed(loaded, services);
  const sources = sourcesOf(context, loaded, names);
  const follower = await LogFollower.open(sources);
  const show = printer(context, sources);
  using interrupts = new Interrupts(context.io, ['SIGINT', 'SIGTERM', 'SIGHUP'], { outputs: [context.io.out] });
  const { signal } = interrupts;
  const quiet = new AbortController();
  let following: Promise<void> = Promise.resolve();
  const showRest = async (): Promise<void> => {
    quiet.abort();
    await following;
    await follower.drain(show);
  };
  try {
    const code = await bringUp(context, { loaded, services, signal });
    // Whatever is up stays up: who asked for all of it has not got it, and decides.
    if (code !== 0) return code;
    following = follower.follow(quiet.signal, show);
    void tellSilence(context, quiet.signal);
    const how = `Ctrl-C stops ${services.length === 0 ? 'all of it' : services.join(', ')}`;
    const watched = once(() => context.json || say(context, how));
    const ended = await untilEnded(context, { ref, names, signal, watched });
    await showRest();
    return ended;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    if (error.by === 'SIGHUP') return error.code;
    return await stopAndShow(context, { loaded, services, interrupts, showRest });
  } finally {
    quiet.abort();
  }
}

/** The named services, and what they need, are what the person sees; only the named are stopped. */
function followed({ project }: Loaded, services: readonly string[]): readonly string[] {
  const edges = edgesOf(project.services);
  if (services.length === 0)
    return withNeeded(
      edges,
      project.services.filter((s) => s.autostart).map((s) => s.name),
    );
  return services.map((word) => {
    const name = word.replace(/:\d+$/, '').toLowerCase();
    return project.services.find((s) => s.name.toLowerCase() === name)?.name ?? word;
  });
}

function sourcesOf(context: Context, { project }: Loaded, names: readonly string[]): readonly LogSource[] {
  const place = logPlace(context, project.name, project.folder);
  return project.services
    .filter(({ name }) => names.includes(name))
    .flatMap(({ name, instances }) =>
      Array.from({ length: instances }, (_, index) => logSource(place, name, index, instances > 1)),
    );
}

function printer(context: Context, sources: readonly LogSource[]): (line: SourcedLine) => void {
  const { style, json } = context;
  const format = lineFormat(sources, { style, json, raw: false, times: style.rich, nameWidth: nameWidthOf(sources) });
  return (line) => context.io.out.write(format(line));
}

function once(call: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) call();
    isDone = true;
  };
}

interface Watching {
  readonly ref: ProjectRef;
  readonly names: readonly string[];
  readonly signal: AbortSignal;
  /** From now on everything that happens is shown, or there is no daemon that could report it. */
  readonly watched: () => void;
}

/** Resolves when nothing of it runs or will run again: 0 when all ended well, 1 otherwise. A daemon may come and go. */
async function untilEnded(context: Context, watching: Watching): Promise<number> {
  const { signal, watched } = watching;
  for (;;) {
    try {
      const ended = await watchUntilEnded(context, watching);
      if (ended !== null) return ended;
    } catch (error) {
      if (!isLost(error)) throw error;
      watched();
      // `tellSilence` names the process of one that is there.
      if (!isSilent(error)) say(context, GONE);
    }
    if (!(await pause(RETRY, signal))) signal.throwIfAborted();
  }
}

/** null: no daemon now, or something runs again. */
async function watchUntilEnded(context: Context, { ref, names, signal, watched }: Watching): Promise<number | null> {
  await using client = await connectIfRunning(context);
  if (!client) watched();
  if (!client || names.length === 0) return client ? 0 : null;
  const params = { project: ref, services: names, until: 'stopped', timeout: null } as const;
  const events = tellLifecycle(context, client, ref, names);
  try {
    await client.call('ping', {}); // answered in order: the events are followed by then
    watched();
    await longCall(client, 'wait', params, { signal });
  } finally {
    events.stop();
  }
  // A restart passes through `stopped`, too.
  const view = await askDaemon(client, { kind: 'folder', folder: ref.folder ?? '', config: null });
  const states = (view?.services ?? []).filter(({ name }) => names.includes(name)).map(({ state }) => state);
  if (!states.every((state) => ['stopped', 'completed', 'failed'].includes(state))) return null;
  say(context, 'everything has ended');
  return states.includes('failed') ? 1 : 0;
}

interface Stopping {
  readonly loaded: Loaded;
  readonly services: readonly string[];
  readonly interrupts: Interrupts;
  readonly showRest: () => Promise<void>;
}

async function stopAndShow(context: Context, { loaded, services, interrupts, showRest }: Stopping): Promise<number> {
  say(context, context.talk.unicode ? 'stopping …' : 'stopping ...');
  const receipt = await stopNow(context, loaded, services, leftByThirdPress(context, interrupts));
  if (receipt === null) return interrupts.code;
  await showRest();
  return showReceipt(context, receipt) || interrupts.code;
}

/** The daemon may be gone by now: another one takes over what runs, and stops it. */
async function stopNow(
  context: Context,
  { project }: Loaded,
  services: readonly string[],
  signal: AbortSignal,
): Promise<Receipt | null> {
  const target = { kind: 'folder', folder: project.folder, config: project.config } as const;
  try {
    await using client = await connectOrStart(context);
    // Lines of the services continue while they stop: nothing may be written over.
    const plain: Context = { ...context, talk: { ...context.talk, rich: false } };
    return await stopTarget(plain, operationsTo(plain, client), target, {
      services,
      call: 'stop',
      timeout: null,
      force: false,
      purge: false,
      signal,
    });
  } catch (error) {
    if (error instanceof Interrupted) return null;
    throw error;
  }
}
