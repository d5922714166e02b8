import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { BROKEN, type BrokenConfig } from '../../packages/reeve/src/config/broken-configs.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';

/** The loader's own tests go through all of them; these few show that the commands refuse as the loader does. */
const CHOSEN = ['a YAML syntax error', 'JSON cut off', 'an unknown key in a service', 'a cycle'] as const;

describe.concurrent('a broken config', () => {
  test.each(CHOSEN)('%s: refused by validate and up with position and advice, nothing started', async (why) => {
    const broken = BROKEN.find((each) => each.why === why);
    if (!broken) throw new Error(`there is no broken config "${why}"`);
    await using reeve = startReeve();
    const file = reeve.file(broken.file ?? 'reeve.yaml', broken.text);

    const [validated, asJson, up, dry] = await Promise.all([
      reeve.run(['validate']),
      reeve.run(['validate', '--json']),
      reeve.run(['up', '-d']),
      reeve.run(['up', '--dry-run']),
    ]);
    for (const result of [validated, up, dry]) {
      expect(result.code, result.stderr).toBe(2);
      expect(result.stdout).toBe('');
      expectReport(result.stderr, broken, path.basename(file));
    }
    expect(asJson.code).toBe(2);
    expect(asJson.stderr).toBe('');
    const { valid, problems, notes } = asJson.json() as Validation;
    expect({ valid, notes }).toEqual({ valid: false, notes: [] });
    expect(problems.map((p) => `${p.line}:${p.column} ${p.path}`)).toEqual(broken.at);
    expect(problems.every((p) => p.file === file && p.message !== '')).toBe(true);
    expectNothingMade(reeve);
  });
});

test('a config that breaks while its services run: up refuses it, the rest continues with what is known', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')] } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  reeve.project('services: [');
  expect((await reeve.run(['up', '-d'])).code).toBe(2);
  expect((await reeve.run(['status', 'a'])).code).toBe(0);
  expect((await reeve.run(['restart', 'a'])).code).toBe(0);
  expect((await reeve.run(['stop'])).code).toBe(0);
});

interface Validation {
  readonly valid: boolean;
  readonly problems: readonly {
    readonly file: string;
    readonly line: number;
    readonly column: number;
    readonly path: string;
    readonly message: string;
  }[];
  readonly notes: readonly string[];
}

function expectReport(text: string, { at, says, near }: BrokenConfig, file: string): void {
  for (const where of at) expect(text).toContain(`${file}:${where.split(' ')[0]}`);
  for (const word of says) expect(text).toContain(word);
  if (near !== undefined) expect(text).toContain(near);
  expect(text).toContain('Fix:');
  expect(text).not.toMatch(/^\s+at .*\.[jt]s:\d+/m);
}

function expectNothingMade(reeve: TestReeve): void {
  expect(existsSync(path.join(reeve.home, 'reeve.db'))).toBe(false);
  expect(existsSync(path.join(reeve.home, 'run/control.sock'))).toBe(false);
  expect(reeve.outside()).toEqual([]);
}
