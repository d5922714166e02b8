import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../harness/until.ts';
import { call } from './service-client.ts';
import { lives, type Speaker, type Wish, world } from './speaker.ts';

/** Decision 0007: what an announced start and clean-up come to. */
export function announcedActionsContract(speaker: Speaker): void {
  const outcomeOf = async (
    announce: NonNullable<Wish['announce']>,
    which = 'cleanup',
    timeout: number | null = null,
  ) => {
    await using here = world();
    const service = await here.open(speaker, { announce });
    const outcome = await call(here.file('sock'), which, { timeout });
    expect(outcome['ms']).toEqual(expect.any(Number));
    expect(lives(service.pid), 'an action never ends its owner').toBe(true);
    return outcome;
  };

  test('an announcement is on the card, whole', async () => {
    await using here = world();
    await here.open(speaker, {
      announce: { ports: [8081], cleanup: ['./clean.sh', '--all'], start: { method: 'done' }, capabilities: ['VIDEO'] },
    });
    expect(here.card().announcement).toEqual({
      description: '',
      processes: [],
      ports: [{ name: null, port: 8081, protocol: 'tcp' }],
      dependencies: [],
      capabilities: ['PROCESS_MANAGER', 'VIDEO'],
      start: { kind: 'method' },
      cleanup: { kind: 'command', command: ['./clean.sh', '--all'] },
      cleanup_timeout: 5000,
    });
    expect(here.card().capabilities).toEqual(['PROCESS_MANAGER', 'VIDEO']);
  });

  test('nothing announced: not_announced', async () => {
    expect(await outcomeOf({})).toMatchObject({ ok: false, reason: 'not_announced' });
    expect(await outcomeOf({}, 'start')).toMatchObject({ ok: false, reason: 'not_announced' });
  });

  test('a method that returns is done, one that throws has failed, one that hangs has timed out', async () => {
    expect(await outcomeOf({ cleanup: { method: 'done' } })).toMatchObject({ ok: true, reason: 'done' });
    expect(await outcomeOf({ start: { method: 'done' } }, 'start')).toMatchObject({ ok: true, reason: 'done' });
    expect(await outcomeOf({ cleanup: { method: 'throws' } })).toMatchObject({
      ok: false,
      reason: 'failed',
      message: expect.stringContaining('no such table') as string,
    });
    const hangs = { cleanup: { method: 'hangs' }, cleanup_timeout: 200 };
    expect(await outcomeOf(hangs)).toMatchObject({ ok: false, reason: 'timed_out' });
  });

  test('a command is done with exit code 0, else it has failed, with its last line', async () => {
    expect(await outcomeOf({ cleanup: 'echo all clean' })).toMatchObject({ ok: true, reason: 'done' });
    expect(await outcomeOf({ cleanup: ['sh', '-c', 'echo one; echo two >&2; exit 3'] })).toMatchObject({
      ok: false,
      reason: 'failed',
      message: expect.stringMatching(/3.*two/) as string,
    });
    expect(await outcomeOf({ cleanup: ['/nowhere/at-all'] })).toMatchObject({ ok: false, reason: 'failed' });
  });

  test('a command that takes too long is ended with all that it started', async () => {
    await using here = world();
    await here.open(speaker, { announce: { cleanup: 'sleep 600 & echo $! > pid; wait' } });
    const outcome = call(here.file('sock'), 'cleanup', { timeout: 1500 });
    const pid = await until('the clean-up has started', () => {
      try {
        return Number(readFileSync(path.join(here.folder, 'pid'), 'utf8'));
      } catch {
        return null;
      }
    });
    expect(await outcome).toMatchObject({ ok: false, reason: 'timed_out' });
    await until('its child is gone', () => !lives(pid));
  });

  test('a start command that keeps running is done, and outlives the service', async () => {
    await using here = world();
    const service = await here.open(speaker, { announce: { start: 'echo $$ > pid; exec sleep 600' } });
    expect(await call(here.file('sock'), 'start', { timeout: 20_000 })).toMatchObject({ ok: true, reason: 'done' });
    const pid = Number(readFileSync(path.join(here.folder, 'pid'), 'utf8'));
    service.child.kill('SIGTERM');
    await service.ended;
    expect(lives(pid)).toBe(true);
  });
}
