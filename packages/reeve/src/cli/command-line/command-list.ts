import type { CommandSpec } from './command-table.ts';
import { ANNOUNCING } from './tables/announcing.ts';
import { CONFIG } from './tables/config.ts';
import { DAEMON } from './tables/daemon.ts';
import { LIFECYCLE } from './tables/lifecycle.ts';
import { LOOKING } from './tables/looking.ts';
import { PROCESSES } from './tables/processes.ts';
import { SHELL } from './tables/shell.ts';

/** Every command of this version, in the order of the help. */
export const COMMANDS: readonly CommandSpec[] = [
  ...LIFECYCLE,
  ...LOOKING,
  ...PROCESSES,
  ...ANNOUNCING,
  ...CONFIG,
  ...DAEMON,
  ...SHELL,
];

/** What the completion scripts ask. Not for people: in no help. */
export const HIDDEN: CommandSpec = {
  name: '__complete',
  summary: '',
  arguments: [{ name: 'words', many: true }],
  options: [],
  verbatimAfter: 0,
  examples: [],
};

export function findCommand(name: string): CommandSpec | null {
  return COMMANDS.find((command) => command.name === name) ?? (name === HIDDEN.name ? HIDDEN : null);
}

/** The second words of a group: `daemon` → run, start, stop, …; empty when it is none. */
export function groupOf(word: string): readonly CommandSpec[] {
  return COMMANDS.filter((command) => command.name.startsWith(`${word} `));
}

/** What can stand first: `up`, `daemon`, … */
export function firstWords(): readonly string[] {
  return [...new Set(COMMANDS.map(({ name }) => name.split(' ')[0] ?? name))];
}
