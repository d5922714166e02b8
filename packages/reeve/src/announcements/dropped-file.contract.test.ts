import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { selfIdentity } from '@reeve/host';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readDropped } from './dropped-file.ts';
import { readAnnouncements } from './read-announcements.ts';

let base = '';
beforeAll(() => {
  base = mkdtempSync(path.join(tmpdir(), 'rv-drop-'));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const drop = (content: object | string): void =>
  writeFileSync(path.join(base, 'x.json'), typeof content === 'string' ? content : JSON.stringify(content), {
    mode: 0o600,
  });
const read = () => readAnnouncements({ run: path.join(base, 'none'), announce: base });

test('whatever is in a file, reading it never throws, and what comes out has a name and a folder', () => {
  const wild = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .record({
        name: fc.jsonValue(),
        folder: fc.jsonValue(),
        pid: fc.jsonValue(),
        ports: fc.jsonValue(),
        cleanup: fc.jsonValue(),
      })
      .map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(wild, (text) => {
      const result = readDropped(text);
      if (!result.ok) expect(result.why).not.toBe('');
      else expect(result.card.folder).toMatch(/^\//);
    }),
  );
});

test('with its start tick a pid is an identity, and another tick is another process', () => {
  const { pid, start } = selfIdentity();
  drop({ name: 'me', folder: '/srv', pid, start_tick: start });
  expect(read().announced[0]).toMatchObject({ liveness: 'live', identity: 'verified' });
  drop({ name: 'me', folder: '/srv', pid, start_tick: start + 1 });
  expect(read().announced[0]).toMatchObject({ liveness: 'stale', identity: 'verified' });
  drop({ name: 'me', folder: '/srv', pid, start_tick: start, boot: 'another' });
  expect(read().announced[0]?.liveness).toBe('stale');
});

test('a pid alone is believed as far as the process is older than the file; without one nothing is known', () => {
  drop({ name: 'me', folder: '/srv', pid: process.pid });
  expect(read().announced[0]).toMatchObject({ liveness: 'live', identity: 'pid' });
  drop({ name: 'me', folder: '/srv' });
  expect(read().announced[0]).toMatchObject({ liveness: 'unknown', identity: 'none' });
});

test('a start and a clean-up are a text or argv', () => {
  drop({ service: 'me', folder: '/srv', start: ['a', 'b'], cleanup: 'c d', cleanup_timeout: 10 });
  expect(read().announced[0]?.card.announcement).toMatchObject({
    start: { kind: 'command', command: ['a', 'b'] },
    cleanup: { kind: 'command', command: 'c d' },
    cleanup_timeout: 10,
  });
});
