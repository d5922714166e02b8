import type { PlannedView, ProjectSpec, PsView, ServiceSpec } from '@reeve/contract';
import { startOrder, withNeeded } from './graph/graph.ts';
import type { ServiceRow } from './registry.ts';
import { type Cost, costOf, type FieldChange, specChanges, withExecuted } from './spec/spec-changes.ts';

const UNCHANGED = { cost: null, changes: [] } as const;

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
export function planUp({ project, names, view, before, executed, prune }: PlanInput): readonly PlannedView[] {
  const edges = new Map(project.services.map((s) => [s.name, s.depends_on.map((d) => d.service)]));
  const chosen = names.length > 0 ? names : project.services.filter((s) => s.autostart).map((s) => s.name);
  const needed = new Set(withNeeded(edges, chosen));
  const specs = new Map(project.services.map((s) => [s.name, s]));
  const planned = startOrder(edges).flatMap((name): PlannedView[] => {
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
): Pick<PlannedView, 'action' | 'reason'> {
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
): readonly PlannedView[] {
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
