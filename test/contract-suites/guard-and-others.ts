import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../harness/until.ts';
import { openManager } from './manager.ts';
import { type Speaker, type World, world } from './speaker.ts';

/** The guard of a managed service, and what a service can know of others. `manager`: a program that takes calls. */
export function guardAndOthersContract(speaker: Speaker, manager: Speaker): void {
  test('U25: guard: warn: a service started by hand says so and continues; one that reeve started says nothing', async () => {
    await using here = world();
    writeGuard(here, 'warn');
    const service = await here.open(speaker);
    await until('it has warned', () => service.stderr().includes('managed by reeve (project shop)'));
    expect(service.stderr()).toContain('reeve up web-editor');
    service.child.kill('SIGTERM');
    await service.ended;
    const ours = await here.open(speaker, {}, { REEVE_RUN: 'run-1', REEVE_SERVICE: 'web-editor' });
    ours.child.kill('SIGTERM');
    await ours.ended;
    expect(ours.stderr()).not.toContain('managed by reeve');
  });

  test('U25: guard: refuse: it ends with 7; one that is not managed, or a guard file that is damaged or open to others, stops nothing', async () => {
    await using here = world();
    const file = writeGuard(here, 'refuse');
    const refused = here.start(speaker);
    expect(await refused.ended, refused.stderr()).toEqual({ code: 7, signal: null });
    expect(refused.lines).toEqual(['error GUARD_REFUSED']);
    await here.open(speaker, { service: 'other' });
    chmodSync(file, 0o666);
    const service = await here.open(speaker);
    service.child.kill('SIGTERM');
    await service.ended;
    chmodSync(file, 0o600);
    writeFileSync(file, '{');
    await here.open(speaker);
  });

  test('U25: guard: redirect: reeve up is run with its name, and it ends with 0; or with 1 when that failed', async () => {
    await using here = world();
    const note = path.join(here.folder, 'started');
    writeGuard(here, 'redirect', ['/bin/sh', '-c', `echo "$0" > ${note}`]);
    const handed = here.start(speaker);
    expect(await handed.ended, handed.stderr()).toEqual({ code: 0, signal: null });
    expect(handed.lines).toEqual(['refused {"pid":null,"handed_over":true}'.replaceAll(/([:,])/g, spaceOf(speaker))]);
    expect(handed.stderr()).toContain('reeve up web-editor');
    writeGuard(here, 'redirect', ['/bin/sh', '-c', 'exit 3']);
    const failed = here.start(speaker);
    expect(await failed.ended).toEqual({ code: 1, signal: null });
    expect(failed.lines).toEqual(['error START_FAILED']);
  });

  test('U25: a dependency is waited for until it is ready; without it the error says what it is', async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    await asker.ask('open', { name: 'front' });
    const late = await asker.fail('dependency', 'web-editor', { timeout: 50 });
    expect(late).toMatchObject({ code: 'TIMED_OUT', exit: 8 });
    expect(late.message).toContain('web-editor of project is not ready after 0.05 s');
    await here.open(speaker, { ready: false, data: { port: 8081 } });
    expect((await asker.fail('dependency', 'web-editor', { timeout: 50 })).message).toContain('it is starting');
    const other = await here.open(speaker, { service: 'db', data: { ports: { sql: 5432 } } });
    const where = { service: 'db', project: 'project', host: '127.0.0.1', port: 5432, pid: other.pid };
    expect(await asker.ask('dependency', 'db')).toMatchObject(where);
  });

  test('U25: an endpoint is where a service is now, ready or not; of none, and of one that has ended, it is an error', async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    await asker.ask('open', { name: 'front' });
    expect(await asker.fail('endpoint', 'web-editor')).toMatchObject({ code: 'SERVICE_UNKNOWN', exit: 4 });
    const service = await here.open(speaker, { ready: false, data: { port: 8081 } });
    expect(await asker.ask('endpoint', 'web-editor')).toEqual({
      service: 'web-editor',
      project: 'project',
      host: '127.0.0.1',
      port: 8081,
      ports: [{ name: null, port: 8081, protocol: 'tcp' }],
      pid: service.pid,
    });
    service.child.kill('SIGTERM');
    await service.ended;
    expect(await asker.fail('endpoint', 'web-editor')).toMatchObject({ code: 'NOT_RUNNING', exit: 3 });
  });
}

/** Python writes JSON with spaces. */
function spaceOf({ name }: Speaker): string {
  return name === 'Python' ? '$1 ' : '$1';
}

/** What the daemon writes with each `up`. */
function writeGuard({ home, folder }: World, policy: string, up: readonly string[] = ['/bin/false']): string {
  const id = createHash('sha256').update(`${folder}\0\x000`).digest('hex').slice(0, 12);
  const file = path.join(home, 'guard', `${id}.json`);
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const card = { format: 1, folder, project: 'shop', policy, services: ['web-editor'], up };
  writeFileSync(file, JSON.stringify(card), { mode: 0o600 });
  return file;
}
