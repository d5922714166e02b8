import { constants } from 'node:os';
import { type Candidate, complete, type Wanted } from '../command-line/complete-line.ts';
import { glance } from '../command-line/parse-command-line.ts';
import type { Context } from '../context.ts';
import { findProject } from '../project/find-project.ts';
import { viewAll, viewProject } from '../project-views.ts';

/** Asked by the shells at every tab: never starts a daemon, and an error means no candidates. */
export async function run(context: Context): Promise<number> {
  const words = context.args.verbatim;
  const wanted = complete(words);
  const current = words.at(-1) ?? '';
  const candidates = [...wanted.candidates, ...(await dynamic(contextOf(context, words), wanted))];
  const shown = candidates.filter(({ value }) => value.startsWith(':') || value.startsWith(current));
  for (const { value, what } of shown) context.io.out.write(`${value}\t${what.replace(/[\t\n]/g, ' ')}\n`);
  return 0;
}

/** `-C DIR`, `--home DIR` and the like that are on the line already count. */
function contextOf(context: Context, words: readonly string[]): Context {
  const { options } = glance(words.slice(0, -1));
  const directory = options.get('directory');
  const cwd = typeof directory === 'string' ? directory : context.cwd;
  return { ...context, cwd, args: { ...context.args, options } };
}

async function dynamic(context: Context, { kind, used }: Wanted): Promise<readonly Candidate[]> {
  switch (kind) {
    case 'service':
      return ignoring(async () => {
        const { services } = await viewProject(context, await findProject(context));
        return services
          .filter(({ name }) => !used.includes(name))
          .map(({ name, state }) => ({ value: name, what: state }));
      });
    case 'project':
      return ignoring(async () => (await viewAll(context)).map(({ project }) => ({ value: project, what: 'project' })));
    case 'signal':
      return Object.keys(constants.signals).map((name) => ({ value: name.slice(3), what: name }));
    case 'file':
    case 'folder':
    case 'command':
      return [{ value: `:${kind}`, what: '' }];
    case 'port':
    case null:
      return [];
  }
}

/** A user who presses tab wants names or nothing, not an error in the middle of the line. */
async function ignoring(find: () => Promise<readonly Candidate[]>): Promise<readonly Candidate[]> {
  try {
    return await find();
  } catch {
    return [];
  }
}
