import { resolve } from 'node:path';
import { ReeveError } from '@reeve/contract';
import { loadCommand } from './command-line/load-command.ts';
import { parseCommandLine } from './command-line/parse-command-line.ts';
import { type Arguments, type Context, say } from './context.ts';
import { Interrupted } from './interrupts.ts';
import type { Io } from './io.ts';
import { reportError } from './report-error.ts';
import { styleFor } from './terminal/style.ts';

/** Runs one command line. Resolves with its exit code; what goes wrong has been said on `io.err`. Never rejects. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const talk = styleFor({ ...io.err, env: io.env, color: null });
  let args: Arguments;
  try {
    args = parseCommandLine(argv);
  } catch (error) {
    return reportError(error, io, { json: argv.includes('--json'), verbose: false, talk });
  }
  const context = contextOf(args, io);
  try {
    return await dispatch(context);
  } catch (error) {
    if (error instanceof Interrupted) {
      if (error.note !== null && !context.json) say(context, error.note);
      return error.code;
    }
    return reportError(error, io, context);
  }
}

function contextOf(args: Arguments, io: Io): Context {
  const option = (name: string): string | null => {
    const value = args.options.get(name);
    return typeof value === 'string' ? value : null;
  };
  const color = option('color');
  return {
    io,
    args,
    json: args.options.has('json'),
    verbose: args.options.has('verbose'),
    style: styleFor({ isTTY: io.out.isTTY, columns: io.out.columns, env: io.env, color }),
    talk: styleFor({ isTTY: io.err.isTTY, columns: io.err.columns, env: io.env, color }),
    cwd: resolve(io.cwd, option('directory') ?? '.'),
  };
}

/** `--help` and `--version` win over whatever else stands there. */
async function dispatch(context: Context): Promise<number> {
  const { args } = context;
  const name = args.options.has('help') ? 'help' : args.options.has('version') ? 'version' : args.command;
  const wanted = name === 'help' && args.command !== 'help' ? { ...args, positionals: args.command.split(' ') } : args;
  const command = await loadCommand(name);
  if (!command) throw new ReeveError('USAGE', { message: `unknown command "${name}"` });
  return command({ ...context, args: wanted });
}
