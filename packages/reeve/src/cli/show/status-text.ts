import type { InstanceView, PsView, ServiceSpec, ServiceView } from '@reeve/contract';
import { describeExit } from '../../core/restart/restart.ts';
import { quoteWords } from '../../core/spec/command-line.ts';
import { newestLines } from '../../operations/logs/newest-lines.ts';
import type { Context } from '../context.ts';
import { logPlace } from '../log-lines.ts';
import type { Target } from '../project/target.ts';
import { type ProjectFacts, projectFacts } from '../project-facts.ts';
import { clockTime, humanBytes, humanDuration, sinceTime } from '../terminal/amounts.ts';
import { oneLine } from '../terminal/safe-text.ts';
import { glyph, lookOf } from '../terminal/style.ts';
import { portsText } from './process-table.ts';

/** How many of its last lines a service is shown with. */
const LINES = 10;

/** Each service in full: what it is, how it is, since when, how it runs, what it said last. */
export async function renderStatus(
  context: Context,
  target: Target,
  view: PsView,
  services: readonly ServiceView[],
): Promise<string> {
  const facts = await projectFacts(context, target);
  const blocks: string[] = [];
  for (const service of services) blocks.push(await block(context, facts, view.project, service));
  return blocks.join('\n');
}

async function block(context: Context, facts: ProjectFacts, project: string, service: ServiceView): Promise<string> {
  const spec = facts.services.get(service.name) ?? null;
  const lines = [
    headline(context, project, service),
    ...service.instances.flatMap((instance) => instanceLines(context, service, instance)),
    ...(spec ? [`  command   ${oneLine(commandText(spec))}`] : announcedLines(service)),
    ...declared(spec),
    ...(await lastWords(context, facts, service)),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** Of a service that is in no config only its own word is known. */
function announcedLines({ command, cwd }: ServiceView): string[] {
  return [
    ...(command === null ? [] : [`  command   ${oneLine(command)}`]),
    ...(cwd === null ? [] : [`  folder    ${oneLine(cwd)}`]),
  ];
}

function headline({ style }: Context, project: string, service: ServiceView): string {
  const { name, description, state, health, intent, groups } = service;
  const look = lookOf(state, health);
  const mark = style.rich ? `${style.paint(look.colour, style.unicode ? look.glyph : look.ascii)} ` : '';
  const what = description === '' ? '' : ` ${glyph(style, 'dash')} ${oneLine(description)}`;
  const how = [state, ...(health === 'unknown' ? [] : [health])].join(', ');
  const wanted = (intent === 'up') === (state !== 'stopped') ? '' : ` (wanted: ${intent})`;
  const where = [project, ...groups.map((group) => `@${group}`)].join(` ${glyph(style, 'dot')} `);
  return `${mark}${style.paint('bold', name)}${what}   ${style.paint(look.colour, how)}${wanted}   ${style.paint('grey', where)}`;
}

function instanceLines({ style }: Context, service: ServiceView, instance: InstanceView): string[] {
  const now = Date.now();
  const { pid, started_at, run, restarts, memory_bytes, ports, exit, reason, status } = instance;
  const started = started_at === null ? null : Date.parse(started_at);
  const label = service.instances.length > 1 ? `${service.name}:${instance.index} ${instance.state}` : null;
  const facts = [
    label,
    pid === null ? null : `pid ${pid}`,
    started === null ? null : `since ${sinceTime(started, now)} (${humanDuration(now - started)})`,
    memory_bytes === null ? null : `mem ${humanBytes(memory_bytes)}`,
    portsText(ports) === null ? null : `ports ${portsText(ports)}`,
    restarts === 0 ? null : `restarts ${restarts}`,
    run === null ? null : style.paint('grey', `run ${run}`),
  ].filter((fact) => fact !== null);
  return [
    ...(facts.length > 0 ? [`  ${facts.join('  ')}`] : []),
    ...(reason === null ? [] : [`  reason    ${oneLine(reason)}`]),
    ...(status === null ? [] : [`  says      ${oneLine(status)}`]),
    ...lastAnswer(instance),
    ...(exit === null ? [] : [`  last exit ${describeExit(exit)}, ${humanDuration(now - Date.parse(exit.at))} ago`]),
  ];
}

/** What its health check found last, and how long that took. */
function lastAnswer({ health_history }: InstanceView): string[] {
  const last = health_history.at(-1);
  if (last === undefined) return [];
  const took = last.ms === null ? '' : ` in ${Math.round(last.ms)} ms`;
  return [`  health    ${oneLine(last.what)}${took}`];
}

function declared(spec: ServiceSpec | null): string[] {
  if (spec === null) return [];
  const needs = spec.depends_on.map(({ service, condition }) => `${service} (${condition})`);
  return [
    `  folder    ${oneLine(spec.cwd)}`,
    ...(spec.user === null ? [] : [`  user      ${oneLine(spec.user)}`]),
    ...(needs.length === 0 ? [] : [`  needs     ${needs.join(', ')}`]),
  ];
}

async function lastWords(context: Context, facts: ProjectFacts, service: ServiceView): Promise<string[]> {
  const indexes = service.instances.map(({ index }) => index);
  const lines = await newestLines(logPlace(context, facts.name, facts.folder), service.name, indexes, LINES);
  return lines.map(({ at, line }) => `  ${clockTime(at)} ${line}`);
}

/** Which of the two ways a command runs is what people ask when it does not do what they wrote. */
function commandText({ command: { text, how } }: ServiceSpec): string {
  return how.kind === 'argv' ? `${quoteWords(how.argv)}  (directly)` : `${text}  (through ${how.shell}: ${how.why})`;
}
