import type { KillPlanView, KillReceipt, KillTarget } from '@reeve/contract';
import { shown } from '../../core/shown-command.ts';
import { ask } from '../caller.ts';
import { parseKillTarget } from '../command-line/kill-target.ts';
import { durationOption } from '../command-line/read-options.ts';
import { type Context, has, optionValue, printJson, say } from '../context.ts';
import { withOperations } from '../operations-of.ts';
import { actor } from '../project/actor.ts';
import { findProject } from '../project/find-project.ts';
import { renderReceipt } from '../show/receipt-text.ts';
import { StopProgress } from '../show/stop-progress.ts';
import { oneLine } from '../terminal/safe-text.ts';

export async function run(context: Context): Promise<number> {
  const pattern = optionValue(context, 'pattern');
  const [word] = context.args.positionals;
  const target = inProject(context, parseKillTarget(word, pattern));
  const params = {
    target,
    typed: pattern === null ? (word ?? '') : `/${pattern}/`,
    here: await whereWeAre(context),
    force: has(context, 'force'),
    timeout: durationOption(context, 'timeout'),
    actor: actor(),
  };
  let progress: StopProgress | null = null;
  const call = ask<'kill'>((push) => {
    if ('plan' in push) {
      if (!context.json) announce(context, push.plan);
      return;
    }
    progress ??= new StopProgress(context);
    progress.note(push);
  });
  try {
    return show(context, await withOperations(context, ({ kill }) => kill(params, call)));
  } finally {
    (progress as StopProgress | null)?.[Symbol.dispose]();
  }
}

/** `--project shop` says whose service a name means. */
function inProject(context: Context, target: KillTarget): KillTarget {
  const project = optionValue(context, 'project');
  return target.kind === 'name' && target.project === null && project !== null ? { ...target, project } : target;
}

/** The folder of the project here; null: there is none, which is not a fault. */
async function whereWeAre(context: Context): Promise<string | null> {
  const target = await findProject(context);
  return target.kind === 'folder' ? target.folder : null;
}

/** What is about to be ended, and why. */
function announce(context: Context, { stops, manual, direct }: KillPlanView): void {
  for (const { project, services } of stops) {
    say(context, `ending ${services.join(' ')} of ${oneLine(project)}: a service of this home, which its daemon stops`);
  }
  for (const { project, service, pid } of manual) {
    say(context, `ending ${service} of ${oneLine(project)}: started manually (pid ${pid})`);
  }
  for (const { pid, command, why } of direct) {
    const what = oneLine(shown(command));
    say(context, `ending pid ${pid} (${what}) and what it has started: it ${oneLine(why)}`);
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
