import { ReeveError } from '@reeve/contract';
import { nearestName } from '../../core/spec/nearest-name.ts';
import { COMMANDS, findCommand, firstWords, groupOf } from '../command-line/command-list.ts';
import { commandHelp, groupHelp, overview } from '../command-line/help-text.ts';
import { type Context, printJson } from '../context.ts';

export async function run(context: Context): Promise<number> {
  const words = context.args.positionals;
  if (context.json) printJson(context, { commands: COMMANDS });
  else context.io.out.write(textFor(words, context));
  return 0;
}

function textFor(words: readonly string[], { style }: Context): string {
  const name = words.join(' ');
  if (name === '') return overview(style);
  const command = findCommand(name);
  if (command && command.summary !== '') return commandHelp(command, style);
  if (words.length === 1 && groupOf(name).length > 0) return groupHelp(name, style);
  const near = nearestName(name, [...firstWords(), ...COMMANDS.map((row) => row.name)]);
  throw new ReeveError('USAGE', {
    message: `unknown command "${name}"`,
    hint: near === null ? undefined : `did you mean reeve help ${near}?`,
  });
}
