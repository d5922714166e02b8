import type { ProjectSpec, PsView, ServiceSpec } from '@reeve/contract';
import type { Loaded } from '../config/load.ts';
import { startOrder, withNeeded } from '../core/graph/graph.ts';
import type { ServiceRow } from '../core/registry.ts';
import { type Cost, costOf, type FieldChange, specChanges, withExecuted } from '../core/spec/spec-changes.ts';
import { changesOfRuns } from './changes-of-runs.ts';
import { type Context, has, printJson, say } from './context.ts';
import { withMemory } from './memory.ts';
import { chooseServices } from './project/unknown-service.ts';
import { viewProject } from './project-views.ts';
import { count } from './terminal/amounts.ts';
import { oneLine } from './terminal/safe-text.ts';
import type { Style } from './terminal/style.ts';
import { type Row, renderTable } from './terminal/table.ts';

/** What `up` would do with a service, and why. */
export interface Planned {
  readonly name: string;
  readonly action: 'start' | 'restart' | 'update' | 'keep' | 'stop' | 'leave';
  readonly reason: string;
  readonly depends_on: readonly string[];
  /** What the changes take: `live` (the process is not touched) or `restart`; null: nothing changes. */
  readonly cost: Cost | null;
  /** Field by field, against what was last applied. */
  readonly changes: readonly FieldChange[];
}
const UNCHANGED = { cost: null, changes: [] } as const;

/** `up --dry-run`: from the config and from what is known; no daemon is started and nothing is changed. */
export async function dryRun(context: Context, { project }: Loaded, services: readonly string[]): Promise<number> {
  const known = project.services.map(({ name }) => name);
  const names = services.length === 0 ? [] : chooseServices(services, project.name, known);
  const target = { kind: 'folder', folder: project.folder, config: project.config } as const;
  const view = await viewProject(context, target);
  const before = await withMemory(context, (registry) => ({
    services: registry.services.of(project.folder),
    shared: registry.projects.all().find((row) => row.folder === project.folder) ?? project,
  }));
  const executed = await changesOfRuns(context, project);
  const plan = planUp({ project, names, view, before, executed, prune: has(context, 'prune') });
  if (context.json) printJson(context, { project: view.project, services: plan });
  else show(context, plan);
  return 0;
}

export interface PlanInput {
  readonly project: ProjectSpec;
  /** Empty: all that start by themselves. */
  readonly names: readonly string[];
  readonly view: PsView;
  readonly before: {
    readonly services: readonly ServiceRow[];
    readonly shared: Pick<ProjectSpec, 'env' | 'env_files'>;
  } | null;
  /** What runs now, and would be executed otherwise. */
  readonly executed?: ReadonlyMap<string, readonly FieldChange[]>;
  readonly prune: boolean;
}

/** In start order; what has left the config comes last. */
export function planUp({ project, names, view, before, executed, prune }: PlanInput): readonly Planned[] {
  const edges = new Map(project.services.map((s) => [s.name, s.depends_on.map((d) => d.service)]));
  const chosen = names.length > 0 ? names : project.services.filter((s) => s.autostart).map((s) => s.name);
  const needed = new Set(withNeeded(edges, chosen));
  const specs = new Map(project.services.map((s) => [s.name, s]));
  const planned = startOrder(edges).flatMap((name): Planned[] => {
    const spec = specs.get(name);
    if (!spec) return [];
    const depends_on = edges.get(name) ?? [];
    if (!needed.has(name)) {
      return names.length > 0 ? [] : [{ name, action: 'leave', reason: 'autostart: false', depends_on, ...UNCHANGED }];
    }
    const row = before?.services.find((service) => service.name === name) ?? null;
    const own =
      row !== null && before !== null ? specChanges({ spec: row.spec, project: before.shared }, { spec, project }) : [];
    const changes = withExecuted(own, executed?.get(name) ?? []);
    const cost = costOf(changes);
    const because = chosen.includes(name) ? null : `${neededBy(name, needed, edges)} needs it`;
    const decided = decide(view, spec, cost, because);
    const isOwn = decided.action !== 'restart' || costOf(own) === 'restart';
    return [{ name, ...decided, ...(isOwn ? {} : { reason: OTHERWISE }), depends_on, cost, changes }];
  });
  return [...planned, ...leftOver(view, before?.services ?? [], specs, prune)];
}

const UP = ['running', 'starting'];
const OTHERWISE = 'its program has changed';

function decide(
  view: PsView,
  spec: ServiceSpec,
  cost: Cost | null,
  because: string | null,
): Pick<Planned, 'action' | 'reason'> {
  const known = view.services.find((service) => service.name.toLowerCase() === spec.name.toLowerCase());
  const state = known?.state ?? 'stopped';
  if (known?.managed_by === 'announced' || known?.managed_by === 'registered') {
    const pid = known.instances.find((instance) => instance.pid !== null)?.pid;
    if (pid)
      return { action: 'start', reason: `takes over pid ${pid}, which was started manually: it is stopped first` };
  }
  const isUp = UP.includes(state);
  if (isUp && cost === 'restart') return { action: 'restart', reason: 'changed in the config' };
  if (isUp && cost === 'live') return { action: 'update', reason: 'changed in the config; its process keeps running' };
  if (isUp) return { action: 'keep', reason: `is ${state}` };
  if (state === 'completed' && cost !== 'restart') return { action: 'keep', reason: 'has completed' };
  return { action: 'start', reason: because ?? `is ${state}` };
}

function neededBy(name: string, needed: ReadonlySet<string>, edges: ReadonlyMap<string, readonly string[]>): string {
  return [...needed].filter((other) => edges.get(other)?.includes(name)).join(', ');
}

/** What has left the config and still runs, or is to. The rest of it is only history. */
function leftOver(
  view: PsView,
  rows: readonly ServiceRow[],
  specs: ReadonlyMap<string, ServiceSpec>,
  prune: boolean,
): readonly Planned[] {
  return rows
    .filter((row) => row.managed_by === 'config' && !specs.has(row.name) && isThere(view, row.name))
    .map((row) => ({
      name: row.name,
      action: prune ? 'stop' : 'leave',
      reason: `no longer in the config${prune ? '' : '; --prune stops it'}`,
      depends_on: [],
      ...UNCHANGED,
    }));
}

function isThere({ services }: PsView, name: string): boolean {
  const service = services.find((each) => each.name === name);
  return service !== undefined && (service.intent === 'up' || service.pid !== null);
}

function show(context: Context, plan: readonly Planned[]): void {
  const columns = [
    { title: 'SERVICE' },
    { title: 'ACTION' },
    { title: 'REASON', shrinksTo: 12 },
    { title: 'AFTER', shrinksTo: 8 },
  ];
  const rows = plan.map((step): Row => [step.name, step.action, step.reason, step.depends_on.join(' ')]);
  context.io.out.write(renderTable(columns, rows, context.style));
  for (const step of plan) context.io.out.write(changesText(step, context.style));
  const steps = plan.filter(({ action }) => action !== 'keep' && action !== 'leave').length;
  say(context, `dry run: ${count(steps, 'change')}, in this order; nothing was done`);
}

/** A line a field: what it was, what it is to be, and what that takes. */
export function changesText({ name, changes }: Pick<Planned, 'name' | 'changes'>, style: Style): string {
  return changes
    .map(({ field, from, to, cost }) => {
      const values = `${valueText(from)} ${style.unicode ? '→' : '->'} ${valueText(to)}`;
      return `  ${name}  ${oneLine(field)}: ${values}  ${style.paint('grey', `(${cost})`)}\n`;
    })
    .join('');
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return 'none';
  return oneLine(typeof value === 'string' && value !== '' ? value : JSON.stringify(value));
}
