import { type KillTarget, parseKillTarget } from '../command-line/kill-target.ts';
import { durationOption } from '../command-line/read-options.ts';
import { type Context, has, optionValue, printJson, say } from '../context.ts';
import { lookAtHome } from '../home-look.ts';
import { carryOut, type KillReceipt } from '../kill-carry-out.ts';
import { type KillPlan, planKill, shown } from '../kill-plan.ts';
import { searchFor } from '../kill-search.ts';
import { findProject } from '../project/find-project.ts';
import { renderReceipt } from '../show/receipt-text.ts';
import { oneLine } from '../terminal/safe-text.ts';

export async function run(context: Context): Promise<number> {
  const pattern = optionValue(context, 'pattern');
  const [word] = context.args.positionals;
  const target = inProject(context, await parseKillTarget(word, pattern));
  const typed = pattern === null ? (word ?? '') : `/${pattern}/`;
  const look = await lookAtHome(context);
  const { meant, named } = searchFor(look, target, await whereWeAre(context));
  const forced = `reeve kill ${pattern === null ? typed : `--pattern '${pattern}'`} --force`;
  const rights = { target, force: has(context, 'force'), uid: process.getuid?.() ?? -1, forced };
  const found = planKill(look, meant, rights);
  const stops = named && !found.stops.some(({ folder }) => folder === named.folder) ? [named] : [];
  const plan: KillPlan = { ...found, stops: [...stops, ...found.stops] };
  if (!context.json) announce(context, plan);
  const timeout = durationOption(context, 'timeout');
  return show(context, await carryOut(context, { target, typed, plan, look, timeout }));
}

/** `--project shop` says whose service a name means. */
function inProject(context: Context, target: KillTarget): KillTarget {
  const project = optionValue(context, 'project');
  return target.kind === 'name' && target.project === null && project !== null ? { ...target, project } : target;
}

/** The folder of the project here; null: there is none, which is no fault. */
async function whereWeAre(context: Context): Promise<string | null> {
  const target = await findProject(context);
  return target.kind === 'folder' ? target.folder : null;
}

/** What is about to be ended, and why. */
function announce(context: Context, { stops, byHand, direct }: KillPlan): void {
  for (const { project, services } of stops) {
    say(context, `ending ${services.join(' ')} of ${oneLine(project)}: a service of this home, which its daemon stops`);
  }
  for (const { card } of byHand) {
    say(context, `ending ${card.service} of ${oneLine(card.project)}: started manually (pid ${card.pid})`);
  }
  for (const { seen, why } of direct) {
    say(
      context,
      `ending pid ${seen.row.pid} (${oneLine(shown(seen.row.command))}) and what it has started: it ${oneLine(why)}`,
    );
  }
}

function show(context: Context, receipt: KillReceipt): number {
  if (context.json) printJson(context, receipt);
  else {
    context.io.out.write(renderReceipt({ ...receipt, project: receipt.project ?? receipt.target }, context.style));
    for (const note of receipt.notes) say(context, note);
  }
  return receipt.status === 'COMPLETE' ? 0 : 6;
}
