import type { CommandSpec } from '@reeve/contract';
import { quoteWords } from '../core/spec/command-line.ts';
import type { Loaded } from './load.ts';

/** How each service's command runs, one line each: for `validate --verbose`. */
export function describeProject({ project }: Loaded): readonly string[] {
  return project.services.map(({ name, command }) => `${name}: ${describeCommand(command)}`);
}

/** "runs directly: node server.js", "runs through /bin/sh (holds `&&`): …". */
function describeCommand({ text, how }: CommandSpec): string {
  if (how.kind === 'argv') return `runs directly: ${quoteWords(how.argv)}`;
  return `runs through ${how.shell} (${how.why}): ${text}`;
}
