import type { PsView, Receipt } from '@reeve/contract';
import { type HomePaths, listSockets } from '@reeve/host';
import { announcedProjects, viewsWithAnnounced } from '../../core/announced/announced-view.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import type { AnnouncementMirror } from '../announcement-mirror.ts';
import { cleaned, cleanUpsOf } from '../config-clean-ups.ts';
import { removeGuard, writeGuard } from '../guard-file.ts';
import { notifiedCards } from '../notified-cards.ts';
import type { ControlHandlers } from './handler-types.ts';

export interface AnnouncedFacts {
  readonly mirror: AnnouncementMirror;
  readonly version: string;
  readonly paths: HomePaths;
  /** argv of the command that speaks to this daemon. */
  readonly command: readonly string[];
}

/**
 * The calls, with what services announce: those started manually are shown beside what reeve runs, the clean-ups of the
 * config follow a stop, and the library is told which services are managed (the guard).
 */
export function withAnnouncements(
  handlers: Omit<ControlHandlers, 'announced' | 'cleanup'>,
  supervisor: Supervisor,
  { mirror, version, paths, command }: AnnouncedFacts,
): ControlHandlers {
  return {
    ...handlers,
    apply: async (params, call) => {
      const applied = await handlers.apply(params, call);
      const { folder } = params.project;
      if (params.guard !== null) {
        const { row, services } = supervisor.find({ folder });
        const names = [...services.keys()];
        const up = [
          ...command,
          '--home',
          paths.home,
          ...(row.config ? ['--config', row.config] : ['-C', folder]),
          'up',
          '-d',
        ];
        writeGuard(paths, { folder, project: row.name, policy: params.guard, services: names, up });
      }
      return applied;
    },
    stop: async (params, call) => {
      const project = supervisor.find(params.project);
      const cleanUps = cleanUpsOf(supervisor, project);
      const { receipt } = await handlers.stop(params, call);
      return { receipt: await cleaned(receipt, ranOf(receipt, cleanUps)) };
    },
    down: async (params, call) => {
      const project = supervisor.findIfKnown(params.project);
      const cleanUps = project ? cleanUpsOf(supervisor, project) : new Map<string, never>();
      const { receipt } = await handlers.down(params, call);
      if (project && receipt.status === 'COMPLETE' && !receipt.taken_over) removeGuard(paths, project.row.folder);
      return { receipt: await cleaned(receipt, ranOf(receipt, cleanUps)) };
    },
    announced: () => ({ cards: notifiedCards(supervisor) }),
    cleanup: async ({ project: ref, timeout, force, actor }, call) => {
      const cleanUps = cleanUpsOf(supervisor, supervisor.find(ref));
      const { receipt } = await handlers.stop(
        { project: ref, services: [], timeout, force, actor },
        { ...call, push: () => {} },
      );
      return { receipt: await cleaned(receipt, inHand(receipt, cleanUps)) };
    },
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

/** What did not run has left nothing since its last clean-up. */
function ranOf<T>(receipt: Receipt, cleanUps: ReadonlyMap<string, T>): readonly T[] {
  const own = new Set(receipt.services.map(({ name }) => name));
  return inHand(receipt, new Map([...cleanUps].filter(([name]) => own.has(name))));
}

/** Nothing is cleaned up below a service that a newer command has started. */
function inHand<T>({ taken_over: left = [] }: Receipt, cleanUps: ReadonlyMap<string, T>): readonly T[] {
  const others = new Set(left.map(({ service }) => service));
  return [...cleanUps].flatMap(([name, cleanUp]) => (others.has(name) ? [] : [cleanUp]));
}

function folderOf(supervisor: Supervisor, { project }: PsView): string {
  return supervisor.find({ name: project }).row.folder;
}
