import { Value } from '@sinclair/typebox/value';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { renderConfigReference, renderJsonSchema } from './generate.ts';
import { ConfigSchema } from './schema.ts';

const schema = JSON.parse(renderJsonSchema()) as typeof ConfigSchema;

describe('the JSON Schema', () => {
  test('is of 2020-12, strict, and free of keys that only reeve reads', () => {
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      additionalProperties: false,
      required: ['services'],
    });
    expect(renderJsonSchema()).not.toContain('"x-');
  });
  test.each([
    [
      'a full service',
      'services: { a: { command: [x, 1], env: { A: true }, ports: { h: { port: auto } }, health: { tcp: 80, interval: 5s }, restart: { limit: 5 per 60s, backoff: 1s..2s }, logs: false } }',
      true,
    ],
    [
      'references for numbers',
      'services: { a: { command: x, instances: "${N}", stop: { timeout: "${T}" }, ports: ["${P}"] } }',
      true,
    ],
    ['an unknown key', 'services: { a: { comand: x } }', false],
    ['a bad duration', 'services: { a: { command: x, stop: { timeout: 5x } } }', false],
    ['a bad policy', 'services: { a: { command: x, restart: sometimes } }', false],
  ])('%s', (_, text, isRight) => {
    expect(Value.Check(ConfigSchema, parse(text))).toBe(isRight);
  });
});

describe('the reference', () => {
  const page = renderConfigReference();
  const keys =
    'command shell cwd env env_files ports ready health on_unhealthy depends_on restart stop oneshot schedule watch instances autostart user group umask nice limits resources logs groups capabilities description is_system cleanup container secrets title project services guard alerts http';
  test.each(keys.split(' '))('names `%s`', (key) => {
    expect(page).toContain(`| \`${key}\` |`);
  });
  test('gives the defaults of the design', () => {
    for (const row of [
      /`timeout` .* `30s`/,
      /`interval` .* `5s`/,
      /`backoff` .* `500ms\.\.30s`/,
      /`limit` .* `5 per 60s`/,
      /`max_size` .* `10M`/,
      /`signal` .* `SIGTERM`/,
      /`debounce` .* `300ms`/,
    ]) {
      expect(page).toMatch(row);
    }
  });
  test('every key of the tables has a description', () => {
    const rows = page.split('\n').filter((line) => /^\| `/.test(line));
    expect(rows.filter((line) => /\| *\|$/.test(line) && !line.includes('a number, or a size'))).toEqual([]);
  });
});
