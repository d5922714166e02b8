import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../harness/until.ts';
import { call, rawService } from './service-client.ts';
import { lives, type Speaker, type World, world } from './speaker.ts';

/** Whether `flock` finds the lock taken: only in tests, a reader must never try it. */
const isHeld = (file: string) => spawnSync('flock', ['-n', file, 'true']).status === 1;
const bootId = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
const startTick = (pid: number) => Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19]);

/** Decision 0007, "The lock" and "The card". `racers`: how many want one name at once. */
export function nameAndCardContract(speaker: Speaker, racers: number): void {
  test('while it runs it holds the lock, with its pid, start and boot; afterwards it says that it has ended', async () => {
    await using here = world();
    const service = await here.open(speaker, { data: { port: 8081 } });
    expect(isHeld(here.file('lock'))).toBe(true);
    expect(readFileSync(here.file('lock'), 'utf8')).toBe(`${service.pid}\n${startTick(service.pid)} ${bootId()}\n`);
    expect(here.card()).toMatchObject({
      format: 1,
      protocol: 1,
      folder: here.folder,
      service: 'web-editor',
      kind: 'service',
      title: 'project-web-editor',
      pid: service.pid,
      process: { boot: bootId(), pid: service.pid, start: startTick(service.pid) },
      state: 'running',
      ready: true,
      data: { port: 8081 },
      ports: [{ name: null, port: 8081, protocol: 'tcp' }],
      socket: here.file('sock'),
      ended_at: null,
      exit: null,
    });
    for (const ending of ['lock', 'json', 'sock'] as const) {
      expect(lstatSync(here.file(ending)).mode & 0o777, ending).toBe(0o600);
    }
    expect(statSync(path.join(here.home, 'run')).mode & 0o777).toBe(0o700);

    service.child.kill('SIGTERM');
    expect(await service.ended).toEqual({ code: 0, signal: null });
    expect(isHeld(here.file('lock'))).toBe(false);
    expect(readFileSync(here.file('lock'), 'utf8')).toBe('');
    expect(existsSync(here.file('sock'))).toBe(false);
    const exit = { kind: 'code', code: 0, signal: null, at: expect.any(String) as string };
    expect(here.card()).toMatchObject({ state: 'stopped', ready: false, ended_at: expect.any(String) as string, exit });
    expect(readdirSync(path.join(here.home, 'run')).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('before it is ready the card says starting', async () => {
    await using here = world();
    await here.open(speaker, { ready: false });
    expect(here.card()).toMatchObject({ state: 'starting', ready: false });
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    '%s: the handlers run newest first, one that throws or hangs takes nothing from the others',
    async (signal) => {
      await using here = world();
      const service = await here.open(speaker, { stops: ['first', 'throws', 'hangs', 'last'] });
      service.child.kill(signal);
      expect(await service.ended).toEqual({ code: 1, signal: null });
      const stops = service.lines.filter((line) => line.startsWith('stop'));
      expect(stops).toEqual(['stop last', 'stop hangs', 'stop throws', 'stop first']);
      expect(here.card()).toMatchObject({ state: 'stopped', exit: { kind: 'code', code: 1 } });
    },
  );

  test('a second copy is refused with the pid of the first, exit code 5', async () => {
    await using here = world();
    const first = await here.open(speaker);
    const second = here.start(speaker);
    expect(refusal(await second.line(/^refused /))).toEqual({ pid: first.pid, handed_over: false });
    expect((await second.ended).code).toBe(5);
    expect(await call(here.file('sock'), 'ping')).toMatchObject({ pid: first.pid });
    await here.open(speaker, { service: 'other-name' });
  });

  test('a second copy hands its command line over where the first takes it, and ends with 0', async () => {
    await using here = world();
    const first = await here.open(speaker, { takes_second: true });
    const second = here.start(speaker, { takes_second: true });
    expect((await second.ended).code).toBe(0);
    const told = JSON.parse((await first.line(/^second /)).slice('second '.length)) as { argv: string[]; cwd: string };
    expect(told.cwd).toBe(here.folder);
    expect(told.argv.at(-1)).toBe('{"takes_second":true}');
    expect(refusal(await second.line(/^refused /))).toEqual({ pid: first.pid, handed_over: true });
  });

  test('kill -9 leaves a stale card and frees the name at once', async () => {
    await using here = world();
    const first = await here.open(speaker);
    first.child.kill('SIGKILL');
    await first.ended;
    expect(isHeld(here.file('lock'))).toBe(false);
    expect(here.card()).toMatchObject({ pid: first.pid, state: 'running' });
    expect(lives(first.pid)).toBe(false);
    expect(existsSync(here.file('sock')), 'the dead one had no time to remove it').toBe(true);
    const second = await here.open(speaker);
    expect(here.card()).toMatchObject({ pid: second.pid, state: 'running' });
    expect(await call(here.file('sock'), 'ping')).toMatchObject({ pid: second.pid });
  });

  test(`${racers} race for one name: exactly one holds it, the others get its pid`, async () => {
    await using here = world();
    await race(
      here,
      Array.from({ length: racers }, () => speaker),
    );
  });

  test('a symbolic link in place of the lock is refused, and not followed', async () => {
    await using here = world();
    prepare(here);
    const target = path.join(here.folder, 'precious');
    writeFileSync(target, 'kept');
    symlinkSync(target, here.file('lock'));
    const service = here.start(speaker);
    expect((await service.ended).code).not.toBe(0);
    expect(service.lines.filter((line) => line.startsWith('open'))).toEqual([]);
    expect(readFileSync(target, 'utf8')).toBe('kept');
    expect(readlinkSync(here.file('lock'))).toBe(target);
  });

  test('a symbolic link in place of the card is replaced, and not followed', async () => {
    await using here = world();
    prepare(here);
    const target = path.join(here.folder, 'precious');
    writeFileSync(target, 'kept');
    symlinkSync(target, here.file('json'));
    const { pid } = await here.open(speaker);
    expect(readFileSync(target, 'utf8')).toBe('kept');
    expect(lstatSync(here.file('json')).isFile()).toBe(true);
    expect(here.card().pid).toBe(pid);
  });

  test.each(['a file', 'a link'])('%s in place of the socket is left alone, and the start refused', async (what) => {
    await using here = world();
    prepare(here);
    const target = path.join(here.folder, 'precious');
    writeFileSync(target, 'kept');
    if (what === 'a link') symlinkSync(target, here.file('sock'));
    else writeFileSync(here.file('sock'), 'kept');
    const service = here.start(speaker);
    expect((await service.ended).code).toBe(7);
    expect(service.lines).toEqual(['error HOME_UNSAFE']);
    expect(readFileSync(what === 'a link' ? target : here.file('sock'), 'utf8')).toBe('kept');
    expect(isHeld(here.file('lock'))).toBe(false);
  });

  test('a run folder that others may enter, or that is a link, is refused', async () => {
    await using here = world();
    prepare(here);
    chmodSync(path.join(here.home, 'run'), 0o755);
    expect(await here.start(speaker).line(/^error /)).toBe('error HOME_UNSAFE');
    await using there = world();
    mkdirSync(there.home, { mode: 0o700 });
    symlinkSync(path.join(here.home, 'run'), path.join(there.home, 'run'));
    expect(await there.start(speaker).line(/^error /)).toBe('error HOME_UNSAFE');
  });

  test('U34: under a long home the socket lies where every caller finds it, whatever its XDG_RUNTIME_DIR, and the card says where', async () => {
    await using here = world(`long-${'x'.repeat(100)}`);
    const runtime = path.join(here.folder, 'run');
    mkdirSync(runtime, { mode: 0o700 });
    const { pid } = await here.open(speaker, {}, { XDG_RUNTIME_DIR: runtime });
    const { socket } = here.card();
    expect(socket?.startsWith(`/tmp/reeve-${process.getuid?.()}-`)).toBe(true);
    expect(statSync(path.dirname(socket ?? '')).mode & 0o777).toBe(0o700);
    expect(await call(socket ?? '', 'ping')).toMatchObject({ pid });
  });

  test('what reeve says in the environment is believed: project, folder, instance and run', async () => {
    await using here = world();
    const told = { REEVE_PROJECT: 'Other', REEVE_PROJECT_FOLDER: '/srv/other', REEVE_SERVICE: 'web-editor' };
    const { pid } = await here.open(speaker, {}, { ...told, REEVE_INSTANCE: '3', REEVE_RUN: 'a-cookie' });
    const cards = readdirSync(path.join(here.home, 'run')).filter((name) => name.endsWith('.json'));
    const card = JSON.parse(readFileSync(path.join(here.home, 'run', cards[0] ?? ''), 'utf8')) as object;
    const project = { project: 'Other', folder: '/srv/other', service: 'web-editor', instance: 3 };
    expect(card).toMatchObject({ ...project, pid, run: 'a-cookie', title: 'Other-web-editor' });
  });

  test('the project is that of the nearest config upwards', async () => {
    await using here = world();
    writeFileSync(path.join(here.folder, 'reeve.yaml'), 'project: tournament # ours\nservices: {}\n');
    await here.open(speaker);
    expect(here.card()).toMatchObject({ project: 'tournament', folder: here.folder, title: 'tournament-web-editor' });
  });
}

/** They exclude each other whatever they are written in. */
export async function race(here: World, speakers: readonly Speaker[]): Promise<void> {
  const all = speakers.map((speaker) => here.start(speaker));
  const verdicts = await Promise.all(all.map((each) => each.line(/^(?:open|refused) /)));
  const holders = all.filter((_, at) => verdicts[at]?.startsWith('open'));
  expect(holders.length).toBe(1);
  const [holder] = holders;
  const pids = verdicts.filter((verdict) => verdict.startsWith('refused')).map((verdict) => refusal(verdict).pid);
  expect(new Set(pids)).toEqual(new Set([holder?.pid]));
  expect(pids.length).toBe(speakers.length - 1);
  using raw = await rawService(here.file('sock'));
  expect(await raw.ask({ call: 'ping' })).toMatchObject({ ok: { pid: holder?.pid } });
  await until('the others have ended', () => all.every((each) => each === holder || each.child.exitCode === 5));
}

interface Refusal {
  readonly pid: number | null;
  readonly handed_over: boolean;
}
function refusal(line: string): Refusal {
  return JSON.parse(line.slice('refused '.length)) as Refusal;
}

function prepare(here: World): void {
  mkdirSync(path.join(here.home, 'run'), { recursive: true, mode: 0o700 });
}
