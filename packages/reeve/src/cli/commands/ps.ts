import type { PsView } from '@reeve/contract';
import { type Context, has, printJson, say } from '../context.ts';
import { NO_DAEMON } from '../no-daemon.ts';
import { findProject } from '../project/find-project.ts';
import { viewAll, viewProject } from '../project-views.ts';
import { tellProblems } from '../show/daemon-problems.ts';
import { renderAllProjects, renderProcessTable } from '../show/process-table.ts';

export async function run(context: Context): Promise<number> {
  if (has(context, 'all')) {
    const views = await viewAll(context);
    if (context.json) printJson(context, { projects: views });
    else if (views.length === 0) say(context, 'reeve knows no project yet: reeve up starts one');
    else context.io.out.write(renderAllProjects(views, optionsOf(context)));
    tellOfDaemon(context, views);
    return 0;
  }
  const target = await findProject(context);
  const view = await viewProject(context, target);
  if (context.json) printJson(context, view);
  else context.io.out.write(show(context, view, target.kind === 'folder' ? target.folder : null));
  tellOfDaemon(context, [view]);
  return 0;
}

function show(context: Context, view: PsView, folder: string | null): string {
  return renderProcessTable(view, { ...optionsOf(context), folder: shortened(context, folder) });
}

function optionsOf(context: Context) {
  return { style: context.style, now: Date.now(), wide: has(context, 'wide') };
}

function shortened(context: Context, folder: string | null): string | null {
  const user = context.io.env['HOME'];
  return folder && user && (folder === user || folder.startsWith(`${user}/`))
    ? `~${folder.slice(user.length)}`
    : folder;
}

/** What is remembered must not be taken for what is watched. */
function tellOfDaemon(context: Context, views: readonly PsView[]): void {
  const [daemon = NO_DAEMON] = views.map((view) => view.daemon);
  tellProblems(context, daemon.problems);
  const isUp = views.some((view) => view.services.some((s) => s.intent === 'up' && s.managed_by === 'config'));
  if (context.json || !isUp || daemon.running) return;
  say(context, 'the daemon is not running: nothing is restarted or checked. Start it: reeve daemon start');
}
