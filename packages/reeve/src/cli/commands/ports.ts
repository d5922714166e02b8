import { type PortRow, ReeveError } from '@reeve/contract';
import { type Context, printJson, say } from '../context.ts';
import { connectToRead } from '../daemon/reach-daemon.ts';
import { offlinePorts } from '../offline-ports.ts';
import { tellProblems } from '../show/daemon-problems.ts';
import { type Row, renderTable } from '../terminal/table.ts';

export async function run(context: Context): Promise<number> {
  const port = portOf(context.args.positionals[0]);
  await using reading = await connectToRead(context);
  const { client, daemon } = reading;
  const ports = client ? (await client.call('ports', { port })).ports : await offlinePorts(context, port);
  if (context.json) {
    printJson(context, { ports });
    return 0;
  }
  context.io.out.write(renderPorts(ports, context));
  tellProblems(context, daemon.problems);
  if (ports.length === 0)
    say(context, port === null ? 'nothing is listening, and no port is leased' : `port ${port} is free`);
  if (hasHiddenOwner(ports) && process.getuid?.() !== 0)
    say(context, "of other users' processes only the user is known: run as root to see which");
  return 0;
}

function portOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const port = /^:?(\d{1,5})$/.exec(text)?.[1];
  const number = Number(port);
  if (port !== undefined && number >= 1 && number <= 65_535) return number;
  throw new ReeveError('USAGE', { message: `"${text}" is not a valid port`, hint: 'a number from 1 to 65535' });
}

function hasHiddenOwner(ports: readonly PortRow[]): boolean {
  return ports.some(({ owner }) => owner !== null && owner.pid === null);
}

function renderPorts(ports: readonly PortRow[], { style }: Pick<Context, 'style'>): string {
  const columns = [
    { title: 'PORT', align: 'right' },
    { title: 'PROTOCOL' },
    { title: 'SERVICE', shrinksTo: 12 },
    { title: 'STATE' },
    { title: 'PID', align: 'right' },
    { title: 'USER' },
    { title: 'COMMAND', shrinksTo: 16 },
  ] as const;
  const rows = ports.map((row): Row => {
    const { owner } = row;
    return [
      String(row.port),
      row.protocol,
      serviceOf(row),
      stateOf(row),
      owner?.pid ? String(owner.pid) : null,
      owner?.user ?? null,
      owner?.command ?? null,
    ];
  });
  return renderTable(columns, rows, style);
}

function serviceOf({ project, service, instance, name }: PortRow): string | null {
  if (service === null) return null;
  return `${project}/${service}${instance ? `:${instance}` : ''}${name === null ? '' : ` (${name})`}`;
}

/** A leased port on which another process listens is what `up` would fail at. */
function stateOf({ leased, listening, owner }: PortRow): string {
  if (!listening) return 'leased';
  if (owner?.ours) return 'listening';
  if (leased) return 'taken';
  return owner?.service ? 'left over' : 'foreign';
}
