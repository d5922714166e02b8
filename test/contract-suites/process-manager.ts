import { expect, test } from 'vitest';
import { type Speaker, world } from './speaker.ts';

/** What a process manager of the library does with no daemon at all. `manager`: a program that takes calls. */
export function processManagerContract(speaker: Speaker, _manager: Speaker): void {
  test('U25: a handler of the end that is asynchronous is waited for', async () => {
    await using here = world();
    const service = await here.open(speaker, { stops: ['first', 'awaits'] });
    service.child.kill('SIGTERM');
    expect(await service.ended, service.stderr()).toEqual({ code: 0, signal: null });
    expect(service.lines.slice(1)).toEqual(['stop awaits', 'awaited awaits', 'stop first']);
    expect(service.stderr()).not.toContain('never awaited');
  });
}
