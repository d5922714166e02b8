import type { PsView } from '@reeve/contract';
import { listSockets } from '@reeve/host';
import { announcedProjects, viewsWithAnnounced } from '../core/announced-view.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import type { AnnouncementMirror } from './announcement-mirror.ts';
import type { ControlHandlers } from './control-handlers.ts';

/** The calls, with what announced itself beside what reeve runs. */
export function withAnnouncements(
  handlers: ControlHandlers,
  supervisor: Supervisor,
  { mirror, version }: { readonly mirror: AnnouncementMirror; readonly version: string },
): ControlHandlers {
  return {
    ...handlers,
    ps: async (params, call) => {
      const { projects } = await handlers.ps(params, call);
      const { announced } = mirror.read();
      if (announced.length === 0) return { projects };
      const sockets = listSockets();
      const isListening = (port: number, protocol: 'tcp' | 'udp'): boolean =>
        sockets.some((each) => each.port === port && each.protocol === protocol);
      const placed = projects.map((view) => ({ folder: folderOf(supervisor, view), view }));
      const views = viewsWithAnnounced(placed, announced, isListening);
      if (params.project !== null) return { projects: views };
      const known = new Set(supervisor.projects.keys());
      const daemon = { running: true, pid: process.pid, version: version };
      return { projects: [...views, ...announcedProjects(announced, known, daemon, isListening)] };
    },
  };
}

function folderOf(supervisor: Supervisor, { project }: PsView): string {
  return supervisor.find({ name: project }).row.folder;
}
