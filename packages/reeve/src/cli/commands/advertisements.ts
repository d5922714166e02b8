import { ReeveError } from '@reeve/contract';
import {
  type Advertisement,
  advertisementsOf,
  type DeclaredService,
  type GuideEntry,
  guideOf,
} from '../../core/announced/advertisement.ts';
import type { Announced, Ignored } from '../../core/announced/announced.ts';
import { announcedInHome } from '../announced-here.ts';
import { type Context, optionValue, printJson, say } from '../context.ts';
import { connectToRead } from '../daemon/reach-daemon.ts';
import { isListenedOn } from '../listened-on.ts';
import { withMemory } from '../memory.ts';
import { findFolder } from '../project/find-project.ts';
import { loadProject } from '../project/load-project.ts';
import { oneLine } from '../terminal/safe-text.ts';

export async function run(context: Context): Promise<number> {
  const only = optionValue(context, 'project')?.toLowerCase() ?? null;
  const isWanted = (project: string): boolean => only === null || project.toLowerCase() === only;
  const found = announcedInHome(context);
  const announced = [...found.announced, ...(await notified(context))].filter(({ card }) => isWanted(card.project));
  const declared = (await declaredServices(context)).filter(({ project }) => isWanted(project));
  const announcements = advertisementsOf(announced, declared, isListenedOn());
  const guide = guideOf(announcements, declared);
  if (context.json) printJson(context, { announcements, guide, ignored: found.ignored });
  else show(context, announcements, guide, found.ignored);
  return 0;
}

/** What services under reeve have announced over NOTIFY_SOCKET: only a daemon that runs has heard it. */
async function notified(context: Context): Promise<readonly Announced[]> {
  await using reading = await connectToRead(context);
  const { client } = reading;
  const { cards } = client ? await client.call('announced', {}) : { cards: [] };
  return cards.map((card) => ({ card, origin: 'notify', file: '', liveness: 'live', identity: 'verified' }));
}

/** What is remembered of every project, and the config that lies here, which may be newer. */
async function declaredServices(context: Context): Promise<readonly DeclaredService[]> {
  const remembered = await withMemory(context, (registry) =>
    registry.projects
      .all()
      .flatMap(({ folder, name: project }) =>
        registry.services.of(folder).map(({ spec }): DeclaredService => ({ project, folder, spec })),
      ),
  );
  const here = await configHere(context);
  const folder = here[0]?.folder;
  return [...here, ...(remembered ?? []).filter((each) => each.folder !== folder)];
}

async function configHere(context: Context): Promise<readonly DeclaredService[]> {
  try {
    const { project } = await loadProject(context, await findFolder(context));
    return project.services.map((spec) => ({ project: project.name, folder: project.folder, spec }));
  } catch (error) {
    // The guide is of all projects: a config that is missing or wrong here is reported by `validate`.
    if (error instanceof ReeveError) return [];
    throw error;
  }
}

function show(
  context: Context,
  rows: readonly Advertisement[],
  guide: readonly GuideEntry[],
  ignored: readonly Ignored[],
): void {
  const { style } = context;
  const lines = rows.length === 0 ? ['No announcements yet.'] : rows.flatMap((row) => [...describe(row, context), '']);
  for (const { kind, title, steps, commands } of guide) {
    if (kind === 'validation') continue;
    lines.push(style.paint('bold', `${kind === 'pattern' ? 'The pattern' : 'Next'}: ${oneLine(title)}`));
    lines.push(...steps.map((step, at) => `  ${at + 1}. ${oneLine(step)}`));
    lines.push(...commands.map((command) => `     ${style.paint('grey', oneLine(command))}`), '');
  }
  context.io.out.write(`${lines.join('\n').trimEnd()}\n`);
  for (const { file, why } of ignored) say(context, `ignored: ${oneLine(file)} ${oneLine(why)}`);
}

function describe(row: Advertisement, { style }: Context): readonly string[] {
  const who =
    row.pid === null
      ? row.liveness
      : `${row.liveness}, pid ${row.pid}${row.identity === 'pid' ? ' (not verified)' : ''}`;
  const what = row.description === '' ? '' : `  ${oneLine(row.description)}`;
  const facts: readonly (readonly [string, string])[] = [
    ['title', row.title ?? ''],
    ['said by', row.origin],
    ['manages', row.processes.join(', ')],
    [
      'ports',
      row.ports
        .map(
          ({ port, protocol, listening }) =>
            `${port}${protocol === 'udp' ? '/udp' : ''}${listening ? '' : ' (not listening)'}`,
        )
        .join(' '),
    ],
    ['needs', row.dependencies.join(', ')],
    ['can', row.capabilities.join(', ')],
    ['start', row.start ?? ''],
    ['clean-up', row.cleanup === null ? '' : `${row.cleanup} (at most ${row.cleanup_timeout} ms)`],
    ['data', row.data === null ? '' : JSON.stringify(row.data)],
    ...row.differences.map((sentence) => ['differs', sentence] as const),
    ['validate', row.validate.join('; ')],
  ];
  const told = facts.filter(([, text]) => text !== '').map(([word, text]) => `  ${word.padEnd(9)} ${oneLine(text)}`);
  return [`${style.paint('bold', oneLine(`${row.project}/${row.name}`))}  ${who}${what}`, ...told];
}
