import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Beat } from '../base/beat.ts';
import { openRegistry } from '../registry/open.ts';
import { eventRow, runRow } from '../registry/test-rows.ts';
import { testFolder } from '../registry/test-world.ts';
import { historyLimits, Retention } from './retention.ts';

const DAY = 24 * 3600_000;
const NOW = 100 * DAY;
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const auditRow = (at: number) => ({ at, actor: 'a', action: 'up', target: 't', reason: null, outcome: 'ok' });

test('D10: old history is forgotten in batches; what is young, open or wanted stays, and numbers continue', async () => {
  using place = testFolder();
  const registry = openRegistry({ file: place.file });
  const complaints = join(place.path, 'keeper.log');
  writeFileSync(complaints, 'x'.repeat(2 << 20));
  registry.transaction('usual', () => {
    for (let n = 0; n < 1200; n++) registry.events.append(eventRow({ at: NOW - 31 * DAY }));
    for (let n = 0; n < 30; n++) registry.events.append(eventRow({ at: NOW - n }));
    for (let n = 0; n < 600; n++) registry.audit.append(auditRow(NOW - 8 * DAY));
    for (let n = 0; n < 30; n++) registry.audit.append(auditRow(NOW));
    registry.runs.save(runRow('old', { ended_at: NOW - 31 * DAY }));
    registry.runs.save(runRow('young', { ended_at: NOW - DAY }));
    registry.runs.save(runRow('open'));
  });
  const asked: number[] = [];
  const beat = new Beat(() => undefined);
  const retention = new Retention(
    {
      registry,
      log: silent,
      now: () => NOW,
      limits: { age: 30 * DAY, events: 10, auditAge: 7 * DAY, auditRows: 20 },
      services: () => [],
      forgetAnnouncements: (before) => {
        asked.push(before);
        return 0;
      },
      complaints: [complaints, join(place.path, 'none')],
    },
    beat,
  );
  await retention.run();
  retention.close();
  beat.close();
  expect(registry.events.find({}).map(({ seq }) => seq)).toEqual(Array.from({ length: 10 }, (_, n) => 1221 + n));
  expect(registry.events.append(eventRow()).seq).toBe(1231);
  expect(registry.audit.newest(1000).map(({ at }) => at)).toEqual(Array.from({ length: 20 }, () => NOW));
  expect(registry.runs.of('/p', 'web', 0, 9).map(({ run }) => run)).toEqual(['open', 'young']);
  expect(asked).toEqual([NOW - 30 * DAY]);
  expect(statSync(complaints).size).toBe(64 * 1024);
  expect(registry.facts.get('last_retention')).toBe(String(NOW));
  registry.close();
});

test('D10: limits come from the environment; what is not valid is reported, and the default holds', () => {
  const warned: unknown[] = [];
  const log = { ...silent, warn: (about: unknown) => void warned.push(about) };
  const standard = { age: 30 * DAY, events: 100_000, auditAge: 365 * DAY, auditRows: 100_000 };
  expect(historyLimits({}, log)).toEqual(standard);
  const given = {
    REEVE_HISTORY_AGE: '2d',
    REEVE_HISTORY_EVENTS: '500',
    REEVE_AUDIT_AGE: '3d',
    REEVE_AUDIT_ROWS: '7',
  };
  expect(historyLimits(given, log)).toEqual({ age: 2 * DAY, events: 500, auditAge: 3 * DAY, auditRows: 7 });
  expect(warned).toEqual([]);
  expect(historyLimits({ REEVE_HISTORY_AGE: 'x', REEVE_HISTORY_EVENTS: '-1' }, log)).toEqual(standard);
  expect(warned).toHaveLength(2);
});
