import { ReeveError } from '@reeve/contract';
import { describeProject } from '../../config/describe.ts';
import type { Loaded } from '../../config/load.ts';
import { ConfigError } from '../../config/problems.ts';
import { type Context, printJson, say } from '../context.ts';
import { loadHere } from '../project/load-project.ts';
import { count } from '../terminal/amounts.ts';
import { safeText } from '../terminal/safe-text.ts';
import { glyph } from '../terminal/style.ts';

export async function run(context: Context): Promise<number> {
  try {
    return tell(context, await loadHere(context));
  } catch (error) {
    if (!context.json || !(error instanceof ReeveError) || error.exit !== 2) throw error;
    const problems = error instanceof ConfigError ? error.problems : [{ message: error.message, hint: error.hint }];
    printJson(context, { valid: false, project: null, config: null, problems, notes: [] });
    return error.exit;
  }
}

function tell(context: Context, loaded: Loaded): number {
  const { project, notes } = loaded;
  if (context.json) {
    printJson(context, { valid: true, project: project.name, config: project.config, problems: [], notes });
    return 0;
  }
  const { style } = context;
  const ok = style.rich ? `${style.paint('green', glyph(style, 'ok'))} ` : '';
  const { length } = project.services;
  context.io.out.write(
    `${ok}${safeText(project.config ?? project.folder)} is valid: ${project.name}, ${count(length, 'service')}\n`,
  );
  if (context.verbose) for (const line of describeProject(loaded)) context.io.out.write(`  ${safeText(line)}\n`);
  for (const note of notes) say(context, `note: ${safeText(note)}`);
  return 0;
}
