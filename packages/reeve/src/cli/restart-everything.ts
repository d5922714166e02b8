import { type PsView, ReeveError } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import { environmentsOf, type StartRow, startManual } from '../operations/start/start-manual.ts';
import { announcedInHome } from './announced-here.ts';
import { callerOf } from './caller.ts';
import { cleanEverything, managedProjects } from './clean-everything.ts';
import { durationOption } from './command-line/read-options.ts';
import { type Context, has, printJson, say } from './context.ts';
import { longCall } from './daemon/long-call.ts';
import { weightiest } from './exit-code.ts';
import { actor } from './project/actor.ts';
import { cleanLines } from './show/clean-text.ts';
import { connectToStop } from './stop-services.ts';
import { oneLine } from './terminal/safe-text.ts';
import { glyph, type Style } from './terminal/style.ts';

const PATIENCE = 60_000;

/** Cleans everything up, then starts again what was up: the config's by reeve, in order, the others by what they announced. */
export async function restartEverything(context: Context): Promise<number> {
  await using client = await connectToStop(context);
  const before = client ? await managedProjects(client) : [];
  const wish = { timeout: null, force: has(context, 'force') };
  const environments = environmentsOf(announcedInHome(context).announced);
  const { rows, byHand } = await cleanEverything(context, client, wish);
  if (!context.json) context.io.out.write(cleanLines(rows, context.style));
  const limit = durationOption(context, 'timeout') ?? PATIENCE;
  const managed = client ? await Promise.all(before.map((view) => startProject(context, client, view, limit))) : [];
  const starts = [...managed.flat(), ...(await startManual(callerOf(context), byHand, limit, environments))];
  if (context.json) printJson(context, { cleanups: rows, starts });
  else context.io.out.write(startLines(starts, context.style));
  if (rows.length + starts.length === 0 && !context.json)
    say(context, 'reeve knows no project and nothing announces itself: nothing to restart');
  return weightiest([rows.every(({ ok }) => ok) ? 0 : 6, starts.every(({ ok }) => ok) ? 0 : 1]);
}

/** What was wanted up before is wanted up again; of a project that was stopped what `restart` without --all starts. */
async function startProject(
  context: Context,
  client: ReeveClient,
  { project: name, services }: PsView,
  limit: number,
): Promise<readonly StartRow[]> {
  const own = services.filter(({ managed_by: by }) => by === 'config');
  const names = own.filter(({ intent }) => intent === 'up').map((s) => s.name);
  if (own.length === 0) return [];
  const row = (service: string, rest: Omit<StartRow, 'project' | 'service'>): StartRow => ({
    project: name,
    service,
    ...rest,
  });
  try {
    const project = { name };
    const accepted = await longCall(client, 'start', { project, services: names, environment: null, actor: actor() });
    const started = accepted.services;
    if (started.length === 0) return [];
    if (has(context, 'no-wait'))
      return started.map((each) => row(each, { ok: true, reason: 'started', message: null }));
    const params = { project, services: started, until: 'ready', timeout: limit } as const;
    const waited = await longCall(client, 'wait', params);
    return waited.services.map(({ name: each, outcome, reason }) => {
      if (outcome === 'met') return row(each, { ok: true, reason: 'ready', message: null });
      return row(each, { ok: false, reason: outcome === 'pending' ? 'timed_out' : 'failed', message: reason });
    });
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    const { message } = error;
    return names.map((each) => row(each, { ok: false, reason: 'failed', message }));
  }
}

export function startLines(rows: readonly StartRow[], style: Style): string {
  const lines = rows.map(({ project, service, ok, reason, message }) => {
    const mark = ok ? style.paint('green', glyph(style, 'ok')) : style.paint('red', glyph(style, 'bad'));
    const said = message ?? (reason === 'ready' ? 'ready' : 'started');
    return `${mark} ${oneLine(`${project}/${service}`)}  ${ok ? '' : 'not started: '}${oneLine(said)}\n`;
  });
  return lines.join('');
}
