import type { PlannedView } from '@reeve/contract';
import type { Loaded } from '../config/load.ts';
import { planUp } from '../core/plan.ts';
import { changesOfRuns } from './changes-of-runs.ts';
import { type Context, has, printJson, say } from './context.ts';
import { withMemory } from './memory.ts';
import { chooseServices } from './project/unknown-service.ts';
import { viewProject } from './project-views.ts';
import { count } from './terminal/amounts.ts';
import { oneLine } from './terminal/safe-text.ts';
import type { Style } from './terminal/style.ts';
import { type Row, renderTable } from './terminal/table.ts';

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

function show(context: Context, plan: readonly PlannedView[]): void {
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
export function changesText({ name, changes }: Pick<PlannedView, 'name' | 'changes'>, style: Style): string {
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
