import type { HuntedView } from '@reeve/contract';
import { ask } from '../caller.ts';
import { type Context, printJson } from '../context.ts';
import { withOperations } from '../operations-of.ts';
import { actor } from '../project/actor.ts';
import { type Row, renderTable } from '../terminal/table.ts';

export async function run(context: Context): Promise<number> {
  const [query = ''] = context.args.positionals;
  const params = { query, actor: actor() };
  const { processes } = await withOperations(context, ({ hunt }) => hunt(params, ask()));
  if (context.json) printJson(context, { query, processes });
  else context.io.out.write(render(processes, context));
  return 0;
}

function render(found: readonly HuntedView[], { style }: Pick<Context, 'style'>): string {
  const columns = [
    { title: 'PID', align: 'right' },
    { title: 'SERVICE', shrinksTo: 12 },
    { title: 'USER' },
    { title: 'PORTS', shrinksTo: 8 },
    { title: 'CONFIDENCE' },
    { title: 'WHY', shrinksTo: 24 },
    { title: 'COMMAND', shrinksTo: 16 },
  ] as const;
  const rows = found.map(
    (each): Row => [
      String(each.pid),
      whose(each),
      each.user,
      each.ports.join(' '),
      each.confidence,
      `it ${each.why.join(', and ')}`,
      each.command,
    ],
  );
  return renderTable(columns, rows, style);
}

function whose({ reeve, project, service, instance, home }: HuntedView): string | null {
  if (reeve) return 'reeve itself';
  if (service !== null) return `${project}/${service}${instance ? `:${instance}` : ''}`;
  return home === null ? null : `of ${home}`;
}
