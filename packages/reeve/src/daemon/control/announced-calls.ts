import type { PsView } from '@reeve/contract';
import { listSockets } from '@reeve/host';
import { announcedProjects, viewsWithAnnounced } from '../../core/announced/announced-view.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import type { AnnouncementMirror } from '../announcement-mirror.ts';
import { notifiedCards } from '../notified-cards.ts';
import type { ControlHandlers } from './handler-types.ts';

export interface AnnouncedFacts {
  readonly mirror: AnnouncementMirror;
  readonly version: string;
}

/** The calls, with what services announce: those started manually are shown beside what reeve runs. */
export function withAnnouncements(
  handlers: Omit<ControlHandlers, 'announced'>,
  supervisor: Supervisor,
  { mirror, version }: AnnouncedFacts,
): ControlHandlers {
  return {
    ...handlers,
    announced: () => ({ cards: notifiedCards(supervisor) }),
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
      const daemon = { running: true, pid: process.pid, version, problems: [] };
      return { projects: [...views, ...announcedProjects(announced, known, daemon, isListening)] };
    },
  };
}

function folderOf(supervisor: Supervisor, { project }: PsView): string {
  return supervisor.find({ name: project }).row.folder;
}
