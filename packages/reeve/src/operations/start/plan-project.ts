import { type Calls, type PlannedView, type ProjectSpec, ReeveError } from '@reeve/contract';
import { listSockets } from '@reeve/host';
import { viewsWithAnnounced } from '../../core/announced/announced-view.ts';
import { planUp } from '../../core/plan.ts';
import { nearestName } from '../../core/spec/nearest-name.ts';
import { changesOfRuns } from '../../supervisor/intents/executed-changes.ts';
import { lookWith, projectView } from '../../supervisor/snapshot.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { declaredView } from '../read/offline-view.ts';

const DAEMON = { running: true, pid: process.pid, version: null, problems: [] } as const;

/** `plan`: what `apply` would do with the same parameters, by what runs now. */
export async function planProject(
  supervisor: Supervisor,
  { project: spec, environment, services, prune }: Calls['plan']['params'],
): Promise<{ readonly project: string; readonly services: readonly PlannedView[] }> {
  const names = namesIn(spec, services);
  const known = supervisor.findIfKnown({ folder: spec.folder });
  const executed = await changesOfRuns(supervisor, { spec, environment, services: names });
  const look = lookWith(supervisor, await supervisor.pictures.latest());
  const managed = known ? projectView(known, look, DAEMON) : declaredView(spec, DAEMON);
  const sockets = listSockets();
  const isListening = (port: number, protocol: 'tcp' | 'udp'): boolean =>
    sockets.some((each) => each.port === port && each.protocol === protocol);
  const placed = { folder: spec.folder, view: managed };
  const [view = managed] = viewsWithAnnounced([placed], supervisor.deps.announced(), isListening);
  const before = known && { services: [...known.services.values()].map(({ row }) => row), shared: known.row };
  return { project: view.project, services: planUp({ project: spec, names, view, before, executed, prune }) };
}

function namesIn(spec: ProjectSpec, words: readonly string[]): readonly string[] {
  const known = spec.services.map(({ name }) => name);
  return words.map((word) => {
    const found = known.find((name) => name.toLowerCase() === word.toLowerCase());
    if (found !== undefined) return found;
    const near = nearestName(word, known) ?? undefined;
    throw new ReeveError('SERVICE_UNKNOWN', { name: word, project: spec.name, near });
  });
}
