import { iso } from '../base/instant.ts';
import { shortLine } from '../base/short-line.ts';
import { explain } from '../core/graph/explain.ts';
import { storyOf } from '../core/graph/story.ts';
import { selectServices } from '../supervisor/intents/selection.ts';
import type { Project } from '../supervisor/project.ts';
import { lookWith, projectView, viewOf } from '../supervisor/snapshot.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { lastLines } from './last-lines.ts';

/** `reeve why`: the present state of a service, how it came to that, and what can be done. */
export async function why(supervisor: Supervisor, project: Project, name: string) {
  const [known = name] = selectServices(project, [name]);
  const service = project.service(known);
  const look = lookWith(supervisor, await supervisor.pictures.taken());
  const view = viewOf(service, look);
  const said = explain(project.world(), view);
  const { registry, logFolder, clock } = supervisor.deps;
  const instance = service.instances[0];
  const backoff = instance?.machine.state.name === 'backoff' ? instance.machine.state.until - clock.monotonic() : null;
  return {
    service: view,
    summary: said.summary,
    waits_for: said.waitsFor,
    roots: said.roots,
    blocks: said.blocks,
    ...storyOf(registry.events, project.row.folder, known),
    last_lines: instance?.isMaskable
      ? (await lastLines(logFolder(instance.id), 8)).map((line) => shortLine(instance.masked(line)))
      : [],
    next_try_at: backoff === null ? null : iso(clock.now() + Math.max(0, backoff)),
    survivors: projectView(project, look, { running: true, pid: null, version: null, problems: [] }).unmanaged.filter(
      (u) => u.service === known,
    ),
    try: said.try,
  };
}
