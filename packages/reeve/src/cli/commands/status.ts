import type { PsView, ServiceView } from '@reeve/contract';
import { selection } from '../command-line/read-options.ts';
import { type Context, printJson } from '../context.ts';
import { findProject } from '../project/find-project.ts';
import { chooseServices } from '../project/unknown-service.ts';
import { viewProject } from '../project-views.ts';
import { tellRemembered } from '../show/daemon-problems.ts';
import { renderStatus } from '../show/status-text.ts';

export async function run(context: Context): Promise<number> {
  const words = selection(context.args.positionals);
  const target = await findProject(context);
  const view = await viewProject(context, target);
  const names = chooseServices(
    words,
    view.project,
    view.services.map(({ name }) => name),
  );
  const services = names.flatMap((name) => view.services.find((service) => service.name === name) ?? []);
  if (context.json) printJson(context, { project: view.project, services });
  else {
    context.io.out.write(await renderStatus(context, target, view, services));
    tellOfDaemon(context, view, services);
  }
  return exitOfStatus(services);
}

const UP: readonly ServiceView['state'][] = ['running', 'starting', 'completed'];

/** 0 running, starting or completed; 3 as soon as one is not. Source: DESIGN.md, Exit codes. */
export function exitOfStatus(services: readonly ServiceView[]): number {
  return services.every(({ state }) => UP.includes(state)) ? 0 : 3;
}

function tellOfDaemon(context: Context, view: PsView, services: readonly ServiceView[]): void {
  if (view.daemon.running || services.some(({ intent }) => intent === 'up')) tellRemembered(context, view.daemon);
}
