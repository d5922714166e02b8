import { expect, test } from 'vitest';
import { COMMANDS, HIDDEN } from './command-list.ts';
import { loadCommand } from './load-command.ts';
import { OTHER_COMMANDS } from './other-commands.ts';
import { renderCliReference } from './render-cli-reference.ts';
import { GLOBAL_OPTIONS } from './tables/global-options.ts';

test('every command has its code, and no code is without a command', async () => {
  const names = [...COMMANDS, HIDDEN].map(({ name }) => name);
  expect([...Object.keys(OTHER_COMMANDS), 'ps'].sort()).toEqual([...names].sort());
  for (const name of names) expect([name, typeof (await loadCommand(name))]).toEqual([name, 'function']);
  expect(await loadCommand('constructor')).toBeNull();
});

test('an option means the same kind of thing in every command, so that it may stand before the command', () => {
  const kinds = new Map<string, string>();
  for (const option of [...GLOBAL_OPTIONS, ...COMMANDS.flatMap(({ options }) => options)]) {
    const kind = `${option.value === undefined ? 'switch' : 'value'} -${option.short ?? ''}`;
    expect([option.name, kinds.get(option.name) ?? kind]).toEqual([option.name, kind]);
    kinds.set(option.name, kind);
  }
  const shorts = new Map<string, string>();
  for (const { short, name } of [...GLOBAL_OPTIONS, ...COMMANDS.flatMap(({ options }) => options)]) {
    if (short) expect([short, shorts.get(short) ?? name]).toEqual([short, name]);
    if (short) shorts.set(short, name);
  }
});

test('every command has a summary and an example of itself', () => {
  for (const { name, summary, examples } of COMMANDS) {
    expect([name, summary]).not.toEqual([name, '']);
    expect([name, examples.some(({ line }) => line.includes(`reeve ${name}`))]).toEqual([name, true]);
  }
});

test('the reference has a section for every command and the precedence of exit codes', () => {
  const page = renderCliReference();
  for (const { name } of COMMANDS) expect(page).toContain(`\n## reeve ${name}\n`);
  expect(page).toContain('the first of 2, 4, 6, 5, 8, 7, 1.');
  expect(page).not.toContain('__complete');
});
