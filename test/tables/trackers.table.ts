import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { worlds } from '../harness/escape-world.ts';
import { measure, type Outcome } from './trackers-measure.ts';
import { hiders } from './trackers-programs.ts';

const PAGE = path.resolve(import.meta.dirname, '../../docs/why/trackers.md');
const MARKED = /(<!-- measured: npm run trackers -->\n)[\s\S]*?(<!-- end -->)/;
const others = ['mark', 'subreaper', 'cookie', 'session', 'tree', 'port', 'stream'];
/** What is switched off, as the heading of a column has it. */
const columns = (hasCgroup: boolean): ReadonlyMap<string, readonly string[]> =>
  new Map([
    ['nothing', []],
    ...(hasCgroup ? ['cgroup', ...others] : others).map((name): [string, string[]] => [`\`${name}\``, [name]]),
    ['`mark`, `subreaper`', hasCgroup ? ['cgroup', 'mark', 'subreaper'] : ['mark', 'subreaper']],
    ['all', hasCgroup ? ['cgroup', ...others] : others],
  ]);

type Column = ReadonlyMap<string, Outcome>;
const measured = new Map<string, Map<string, Column>>();

describe.each(worlds)('$name', (world) => {
  const made = new Map<string, Column>();
  measured.set(world.name, made);
  test.each([...columns(world.hasCgroup)])('without %s', async (heading, off) => {
    const outcomes = await measure(world, off);
    made.set(heading, outcomes);
    expect([...outcomes].filter(([, outcome]) => outcome === 'broken')).toEqual([]);
  });
});

afterAll(() => {
  const text = worlds.map(({ name, hasCgroup }) => tableOf(name, hasCgroup)).join('\n');
  const isWhole =
    worlds.length === 3 && worlds.every((world) => measured.get(world.name)?.size === columns(world.hasCgroup).size);
  if (!isWhole) {
    console.log(`${text}\nnot written into the page: it needs all worlds (root, with cgroup v2) and all columns`);
    return;
  }
  const page = readFileSync(PAGE, 'utf8');
  if (!MARKED.test(page)) throw new Error(`${PAGE} has no place for the table: ${MARKED.source}`);
  writeFileSync(
    PAGE,
    page.replace(MARKED, (_, begin: string, end: string) => `${begin}\n${text}\n${end}`),
  );
});

function tableOf(world: string, hasCgroup: boolean): string {
  const headings = [...columns(hasCgroup).keys()];
  const cell = (name: string, heading: string) => {
    const outcome = measured.get(world)?.get(heading)?.get(name) ?? '?';
    return outcome === 'left' || outcome === 'broken' ? `**${outcome}**` : outcome;
  };
  const rows = hiders.map(({ name, says }) => row([says, ...headings.map((heading) => cell(name, heading))]));
  return [
    `### ${world}`,
    '',
    row(['switched off:', ...headings]),
    row(['---', ...headings.map(() => '---')]),
    ...rows,
    '',
  ].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
