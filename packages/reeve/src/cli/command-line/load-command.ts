import { run as ps } from '../commands/ps.ts';
import type { Run } from './command-table.ts';

/**
 * The code of a command; null: there is no such command. Reading one more file costs more than the code in it, so there
 * are two parts: `ps`, which people and prompts ask all the time, comes with the program, everything else in one piece.
 * What is heavy (YAML, SQLite, starting a daemon) is read where it is needed.
 */
export async function loadCommand(name: string): Promise<Run | null> {
  if (name === 'ps') return ps;
  const { OTHER_COMMANDS } = await import('./other-commands.ts');
  return Object.hasOwn(OTHER_COMMANDS, name) ? (OTHER_COMMANDS[name] ?? null) : null;
}
