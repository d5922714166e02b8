import { rm } from 'node:fs/promises';
import { constants } from 'node:os';
import {
  type Actor,
  CONTROL_PROTOCOL,
  type DaemonAbout,
  type PortRow,
  type ProjectRef,
  type Receipt,
  ReeveError,
} from '@reeve/contract';
import { sendSignal } from '@reeve/host';
import { iso } from '../base/instant.ts';
import { explain } from '../core/explain.ts';
import { storyOf } from '../core/story.ts';
import { eventView } from '../core/view.ts';
import { describeActor } from '../supervisor/audit.ts';
import { apply, restart, start, stop } from '../supervisor/intents.ts';
import { portsOf } from '../supervisor/ports-of.ts';
import type { Project } from '../supervisor/project.ts';
import { indexOf, selectServices, selectWhole } from '../supervisor/selection.ts';
import { lookAround, projectView, viewOf } from '../supervisor/snapshot.ts';
import { stopAndProve } from '../supervisor/stopping.ts';
import { type Supervisor, unknownProject } from '../supervisor/supervisor.ts';
import { isUnwritable } from '../supervisor/unwritable.ts';
import { waitFor } from '../supervisor/waiting.ts';
import type { ControlHandlers } from './control-handlers.ts';
import { lastLines } from './last-lines.ts';
import { portRows } from './port-rows.ts';

export interface DaemonFacts {
  readonly version: string;
  readonly startedAt: number;
  readonly home: string;
  readonly keeperPid: () => number | null;
  readonly about: () => DaemonAbout;
  /** Lets a program take over; `connection` stays open for the answer. */
  readonly upgrade: (
    program: readonly string[],
    connection: number,
  ) => Promise<{ readonly pid: number; readonly away: number }>;
  /** Ends the daemon once the answer is on its way. */
  readonly shutdown: () => void;
}

/** The calls of the control socket: each is an intent, a wait, or a view. Nothing is decided here. */
export function controlHandlers(
  supervisor: Supervisor,
  facts: DaemonFacts,
): Omit<ControlHandlers, 'announced' | 'cleanup'> {
  const daemonView = { running: true, pid: process.pid, version: facts.version };
  return {
    ping: () => ({
      pid: process.pid,
      version: facts.version,
      protocol: CONTROL_PROTOCOL,
      started_at: iso(facts.startedAt),
      home: facts.home,
      keeper_pid: facts.keeperPid(),
    }),
    about: () => facts.about(),
    upgrade: async ({ program, actor }, { connection }) => {
      recordUpgrade(supervisor, program, actor);
      return facts.upgrade(program, connection);
    },
    apply: async ({ project: spec, environment, services, prune, actor }) => {
      const request = { spec, environment, services, prune, actor };
      const applied = apply(supervisor, request);
      const project = supervisor.find({ folder: spec.folder });
      const removed = forgetEnded(supervisor, project, applied.removed);
      if (prune) await pruneServices(supervisor, project, removed);
      return { ...applied, removed };
    },
    start: ({ project: ref, services, environment, actor }) => {
      const project = supervisor.find(ref);
      return start(supervisor, project, startable(project, services), environment, actor);
    },
    restart: ({ project: ref, services, force, actor }) => {
      const project = supervisor.find(ref);
      const names = startable(project, services);
      const accepted = restart(supervisor, project, names, actor);
      if (force) hurryRestart(project, names);
      return accepted;
    },
    stop: async ({ project: ref, services, timeout, force, actor }) => {
      const project = supervisor.find(ref);
      const names = selectWhole(project, services);
      return { receipt: await stopProject(supervisor, project, names, { timeout, force, actor, action: 'stop' }) };
    },
    down: async ({ project: ref, purge, timeout, actor }) => {
      const project = supervisor.findIfKnown(ref);
      const cleared = project === null && purge ? await purgeForgotten(supervisor, ref) : null;
      if (cleared) return { receipt: cleared };
      if (!project) throw unknownProject(ref);
      const names = [...project.services.keys()];
      const receipt = await stopProject(supervisor, project, names, { timeout, force: false, actor, action: 'down' });
      if (receipt.status === 'COMPLETE') await forget(supervisor, project, purge);
      return { receipt };
    },
    wait: ({ project: ref, services, until, timeout }, call) => {
      const project = supervisor.find(ref);
      const names = selectServices(project, services);
      return waitFor(supervisor, {
        project,
        names,
        until,
        timeout,
        signal: call.signal,
        onProgress: (s) =>
          call.push({ service: s.name, state: s.state, ready: s.outcome === 'met', reason: s.reason, event: null }),
      });
    },
    ps: async ({ project: ref }) => {
      const projects = ref ? [supervisor.find(ref)] : [...supervisor.projects.values()];
      const look = await lookAround(supervisor);
      return { projects: projects.map((p) => projectView(p, look, daemonView)) };
    },
    why: async ({ project: ref, service }) => why(supervisor, supervisor.find(ref), service),
    ports: async ({ port }) => ({ ports: await allPorts(supervisor, port) }),
    signal: ({ project: ref, service, signal, actor }) => ({
      pid: signalMain(supervisor, supervisor.find(ref), service, signal, actor),
    }),
    surroundings: async ({ project: ref, service }) => surroundingsOf(supervisor, supervisor.find(ref), service),
    shutdown: async ({ with_services, actor }) => {
      const receipts: Receipt[] = with_services ? await stopEverything(supervisor, actor) : [];
      facts.shutdown();
      return { receipts };
    },
    events: ({ project: ref }, call) => {
      const folder = ref ? supervisor.find(ref).row.folder : null;
      const unlisten = supervisor.onEvent((event) => {
        if (folder === null || event.folder === folder) call.push(eventView(event));
      });
      return new Promise((resolve) => {
        const done = (): void => {
          unlisten();
          resolve({});
        };
        if (call.signal.aborted) done();
        else call.signal.addEventListener('abort', done, { once: true });
      });
    },
  };
}

/** Ends and forgets what has left the config; what does not end is kept, so that it can be seen. */
async function pruneServices(supervisor: Supervisor, project: Project, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await stopAndProve(supervisor, { project, names, timeout: null, force: false });
  forgetEnded(supervisor, project, names);
}

/** What is neither wanted nor there is history. Returns the names of the others. */
function forgetEnded(supervisor: Supervisor, project: Project, names: readonly string[]): readonly string[] {
  return names.filter((name) => {
    const { intent, instances } = project.service(name);
    if (intent.want === 'up' || instances.some((i) => i.isAlive())) return true;
    supervisor.removeService(project, name);
    return false;
  });
}

function recordUpgrade({ deps }: Supervisor, program: readonly string[], actor: Actor): void {
  deps.registry.transaction('durable', () =>
    deps.registry.audit.append({
      at: deps.clock.now(),
      actor: describeActor(actor),
      action: 'daemon upgrade',
      target: program.join(' '),
      reason: null,
      outcome: 'asked for',
    }),
  );
}

interface StopOptions {
  readonly timeout: number | null;
  readonly force: boolean;
  readonly actor: Actor;
  readonly action: string;
}

async function stopProject(
  supervisor: Supervisor,
  project: Project,
  names: readonly string[],
  options: StopOptions,
): Promise<Receipt> {
  stop(supervisor, project, names, options.actor, options.action);
  const receipt = await stopAndProve(supervisor, { project, names, timeout: options.timeout, force: options.force });
  const { registry, clock } = supervisor.deps;
  const left = receipt.survivors.map((s) => `pid ${s.pid}`).join(', ');
  const outcome = left ? `${receipt.status}: ${left}` : receipt.status;
  const at = clock.now();
  const write = (): void =>
    registry.audit.append({
      at,
      actor: describeActor(options.actor),
      action: options.action,
      target: project.row.name,
      reason: null,
      outcome,
    });
  try {
    registry.transaction('durable', write);
  } catch (error) {
    // What has ended has ended: a registry that takes nothing now must not turn the receipt into an error.
    if (!isUnwritable(error)) throw error;
    supervisor.outbox.row(`audit ${at} ${project.row.folder}`, write);
  }
  return receipt;
}

async function stopEverything(supervisor: Supervisor, actor: Actor): Promise<Receipt[]> {
  const projects = [...supervisor.projects.values()];
  const options = { timeout: null, force: false, actor, action: 'daemon stop --with-services' };
  return Promise.all(projects.map((p) => stopProject(supervisor, p, [...p.services.keys()], options)));
}

/** Without names: what starts by itself. */
function startable(project: Project, services: readonly string[]): readonly string[] {
  const names = selectWhole(project, services);
  if (services.length > 0) return names;
  return names.filter((name) => {
    const { row } = project.service(name);
    return row.in_config && row.spec.autostart;
  });
}

function hurryRestart(project: Project, names: readonly string[]): void {
  for (const name of names) {
    for (const instance of project.service(name).instances) {
      if (!instance.isAlive()) continue;
      instance.post({ name: 'stop', cause: { kind: 'stale' } });
      instance.post({ name: 'hurry' });
    }
  }
}

/** Forgets a stopped project; its history and logs stay unless they are purged. */
async function forget(supervisor: Supervisor, project: Project, purge: boolean): Promise<void> {
  supervisor.outbox.flush();
  supervisor.remove(project);
  const { folder } = project.row;
  if (purge) await purgeFolder(supervisor, folder, project.instances());
  else supervisor.deps.registry.transaction('durable', () => supervisor.deps.registry.projects.remove(folder, false));
}

/** `down --purge` after `down`: what was kept then goes now. Null: nothing was kept. */
async function purgeForgotten(supervisor: Supervisor, { folder }: ProjectRef): Promise<Receipt | null> {
  if (folder === undefined) return null;
  const [last] = supervisor.deps.registry.events.find({ folder, newest: 1 });
  if (!last) return null;
  await purgeFolder(supervisor, folder, []);
  return { project: last.project, status: 'COMPLETE', services: [], survivors: [], ms: 0 };
}

/** History and logs, of services too that the project has long forgotten. */
async function purgeFolder(
  { deps }: Supervisor,
  folder: string,
  instances: readonly { readonly id: string }[],
): Promise<void> {
  const { registry, logFolder, instanceId } = deps;
  const past = registry.events
    .find({ folder })
    .flatMap(({ service, instance }) => (service === null ? [] : [instanceId(folder, service, instance ?? 0)]));
  const ids = new Set([...instances.map(({ id }) => id), ...past]);
  registry.transaction('durable', () => registry.projects.remove(folder, true));
  await Promise.all([...ids].map((id) => rm(logFolder(id), { recursive: true, force: true })));
}

async function why(supervisor: Supervisor, project: Project, name: string) {
  const [known = name] = selectServices(project, [name]);
  const service = project.service(known);
  const look = await lookAround(supervisor);
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
      ? (await lastLines(logFolder(instance.id), 8)).map((line) => instance.masked(line))
      : [],
    next_try_at: backoff === null ? null : iso(clock.now() + Math.max(0, backoff)),
    survivors: projectView(project, look, { running: true, pid: null, version: null }).unmanaged.filter(
      (u) => u.service === known,
    ),
    try: said.try,
  };
}

async function allPorts(supervisor: Supervisor, port: number | null): Promise<readonly PortRow[]> {
  const { registry, platform } = supervisor.deps;
  const names = new Map([...supervisor.projects.values()].map((p) => [p.row.folder, p.row.name]));
  const live = [...supervisor.projects.values()].flatMap((p) => p.instances()).flatMap((i) => (i.live ? [i.live] : []));
  const [listeners, scans] = await Promise.all([
    platform.listeners(),
    Promise.all(live.map((l) => l.processes.scan())),
  ]);
  const runOfPid = new Map(live.flatMap((l, i) => (scans[i] ?? []).map((p) => [p.process.pid, l.row.run] as const)));
  return portRows({ leases: registry.leases.all(), listeners, names, runOfPid, port });
}

function signalMain(supervisor: Supervisor, project: Project, selector: string, signal: string, actor: Actor): number {
  const [name = selector] = selectServices(project, [selector]);
  const index = indexOf(selector) ?? 0;
  const instance = project.service(name).instances[index];
  const main = instance?.mainProcess();
  if (!instance?.live || !main) throw new ReeveError('NOT_RUNNING', { name: selector });
  const wanted = signal.toUpperCase().startsWith('SIG') ? signal.toUpperCase() : `SIG${signal.toUpperCase()}`;
  if (!(wanted in constants.signals))
    throw new ReeveError('USAGE', {
      message: `there is no signal "${signal}"`,
      hint: 'for example HUP, USR1, TERM, KILL',
    });
  const result = sendSignal(main, instance.live.row.marks.witness, wanted as NodeJS.Signals);
  if (!result.ok)
    throw new ReeveError('NOT_PERMITTED', { message: `${wanted} was not sent to pid ${main.pid}: ${result.reason}` });
  const { registry, clock } = supervisor.deps;
  instance.signalled = instance.tell(
    'service.signalled',
    `${wanted} sent to pid ${main.pid}`,
    { signal: wanted },
    null,
  );
  registry.transaction('durable', () =>
    registry.audit.append({
      at: clock.now(),
      actor: describeActor(actor),
      action: `signal ${wanted}`,
      target: `${project.row.name}: ${selector}`,
      reason: null,
      outcome: 'done',
    }),
  );
  return main.pid;
}

async function surroundingsOf(supervisor: Supervisor, project: Project, selector: string) {
  const [name = selector] = selectServices(project, [selector]);
  const service = project.service(name);
  const instance = service.instances[indexOf(selector) ?? 0] ?? service.instances[0];
  const { row } = service;
  const { platform, resolve } = supervisor.deps;
  const user = row.spec.user === null ? null : await platform.findUser(row.spec.user);
  const own = instance ? portsOf(supervisor.deps, instance) : [];
  const ports = own.flatMap(({ spec, port }) =>
    port === null ? [] : [{ name: spec.name, port, protocol: spec.protocol }],
  );
  const run = instance?.live?.row.run ?? '';
  const resolved = await resolve({
    project: project.row,
    spec: row.spec,
    environment: row.environment,
    index: instance?.index ?? 0,
    run,
    ports,
    user,
  });
  return { cwd: resolved.cwd, env: resolved.env, user: user && { name: user.name, uid: user.uid, gid: user.gid } };
}
