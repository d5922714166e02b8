import { copyFileSync, mkdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadDriver } from './driver.ts';
import { openRegistry } from './open.ts';
import { listen, type TestProgram, testFolder, testProgram } from './test-world.ts';

/** Commits two events and an audit row at a time, and says so only afterwards. */
const WRITER = `
  import { writeSync } from 'node:fs';
  import { openRegistry } from './open.ts';
  import { eventRow } from './test-rows.ts';
  const [file, kind] = process.argv.slice(2);
  const registry = openRegistry({ file });
  for (let i = 0; ; i += 1) {
    const last = registry.transaction(kind, () => {
      registry.events.append(eventRow());
      if (kind === 'durable') {
        registry.audit.append({ at: i, actor: 'a', action: 'up', target: 't', reason: null, outcome: 'ok' });
      }
      return registry.events.append(eventRow({ data: { filling: 'x'.repeat(i % 700) } })).seq;
    });
    writeSync(1, last + '\\n');
  }
`;

let writer: TestProgram;
beforeAll(async () => {
  writer = await testProgram(WRITER);
});
afterAll(() => writer[Symbol.dispose]());

/** Kills it as soon as it has acknowledged `count` commits; returns the last number that it acknowledged. */
async function killedAfter(count: number, file: string, kind: string): Promise<number> {
  const child = writer.start(file, kind);
  const { signal, lines } = await listen(child, (seen) => {
    if (seen >= count) child.kill('SIGKILL');
  });
  expect(signal).toBe('SIGKILL');
  return Number(lines.at(-1));
}

function integrity(file: string): unknown {
  const database = loadDriver().open(file, { readonly: true, wait: 1000 });
  try {
    return database.prepare('PRAGMA integrity_check').get()?.['integrity_check'];
  } finally {
    database.close();
  }
}

const PATIENCE = { timeout: 120_000 };

test.each(['durable', 'usual'])(
  'DB1: a writer killed 25 times loses nothing that it acknowledged (%s)',
  PATIENCE,
  async (kind) => {
    using folder = testFolder();
    for (let round = 0; round < 25; round += 1) {
      const acknowledged = await killedAfter(1 + ((round * 37) % 60), folder.file, kind);
      expect(integrity(folder.file)).toBe('ok');
      const registry = openRegistry({ file: folder.file });
      const seqs = registry.events.find({}).map((event) => event.seq);
      const audited = registry.audit.newest(1_000_000).length;
      registry.close();
      expect(seqs.length).toBeGreaterThanOrEqual(acknowledged);
      expect(seqs).toEqual(seqs.map((_, i) => i + 1));
      expect(seqs.length % 2).toBe(0);
      expect(audited).toBe(kind === 'durable' ? seqs.length / 2 : 0);
    }
  },
);

describe('a WAL that was cut', () => {
  test('DB3: at every 977th byte opens, and holds a beginning of what was written', PATIENCE, async () => {
    using folder = testFolder();
    const acknowledged = await killedAfter(20, folder.file, 'usual');
    const wal = `${folder.file}-wal`;
    const size = statSync(wal).size;
    expect(size).toBeGreaterThan(977 * 50);
    const counts: number[] = [];
    for (let cut = 0; cut <= size; cut += 977) {
      const place = join(folder.path, `cut-${cut}`);
      mkdirSync(place);
      const file = join(place, 'reeve.db');
      copyFileSync(folder.file, file);
      copyFileSync(wal, `${file}-wal`);
      truncateSync(`${file}-wal`, cut);
      const registry = openRegistry({ file });
      const seqs = registry.events.find({}).map((event) => event.seq);
      registry.close();
      expect(seqs).toEqual(seqs.map((_, i) => i + 1));
      expect(seqs.length % 2).toBe(0);
      counts.push(seqs.length);
    }
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts[0]).toBe(0);
    expect(counts.at(-1)).toBeGreaterThan(0);
    expect(counts.at(-1)).toBeGreaterThanOrEqual(acknowledged - 2);
    expect(readFileSync(wal).length).toBe(size);
  });
});
