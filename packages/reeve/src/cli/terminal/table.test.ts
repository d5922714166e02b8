import { expect, test } from 'vitest';
import { displayWidth, fit } from './display-width.ts';
import { styleFor } from './style.ts';
import { renderTable } from './table.ts';

const utf8 = { LANG: 'C.UTF-8', NO_COLOR: '1' };
const terminal = (columns: number, env: Record<string, string> = utf8) =>
  styleFor({ isTTY: true, columns, env, color: null });
const pipe = styleFor({ isTTY: false, columns: 0, env: {}, color: null });
const columns = [{ title: '' }, { title: 'NAME', shrinksTo: 4 }, { title: 'MEM', align: 'right' }] as const;

test('on a terminal columns are aligned, and what is not known is a dash', () => {
  const table = renderTable(
    columns,
    [
      [{ text: '●', colour: 'green' }, 'web', '41 MB'],
      ['○', 'database', null],
    ],
    terminal(80),
  );
  expect(table).toBe('   NAME        MEM\n●  web       41 MB\n○  database      –\n');
});

test('for a program cells are separated by tabs, without the column of glyphs', () => {
  const table = renderTable(
    columns,
    [
      ['●', 'web', '41 MB'],
      ['○', 'db', null],
    ],
    pipe,
  );
  expect(table).toBe('NAME\tMEM\nweb\t41 MB\ndb\t-\n');
});

test('a table is never wider than its terminal, as long as a column may give', () => {
  const rows = [['●', 'a-very-long-name-of-a-service', '41 MB']];
  const lines = renderTable(columns, rows, terminal(24)).trimEnd().split('\n');
  expect(lines.map(displayWidth).every((width) => width <= 24)).toBe(true);
  expect(lines[1]).toBe('●  a-very-long-n…  41 MB');
  expect(renderTable(columns, rows, terminal(3)).split('\n')[1]).toBe('●  a-v…  41 MB');
});

test('without UTF-8 nothing but ASCII is drawn', () => {
  const table = renderTable(
    columns,
    [['*', 'a-very-long-name-of-a-service', null]],
    terminal(20, { LANG: 'C', NO_COLOR: '1' }),
  );
  expect(table).toMatch(/^[\x20-\x7e\n]*$/);
});

test('cells cannot break the table or reach the terminal', () => {
  expect(renderTable(columns, [['', 'a\tb\nc\u001b[2Jd', null]], pipe)).toBe('NAME\tMEM\na b cd\t-\n');
});

test('no rows, no table', () => {
  expect(renderTable(columns, [], terminal(80))).toBe('');
});

test.each([
  ['web', 3],
  ['日本', 4],
  ['e\u0301', 1],
  ['🐻', 2],
])('%s takes %i columns', (text, width) => {
  expect(displayWidth(text)).toBe(width);
});

test('what is cut never ends within a wide character', () => {
  expect(fit('日本語', 5, '…')).toBe('日本…');
  expect(fit('日本語', 4, '…')).toBe('日…');
  expect(fit('abc', 3, '…')).toBe('abc');
});
