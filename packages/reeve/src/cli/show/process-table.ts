import type { InstanceView, PortView, PsView, ServiceView, UnmanagedView } from '@reeve/contract';
import { count, humanBytes, humanDuration } from '../terminal/amounts.ts';
import { oneLine } from '../terminal/safe-text.ts';
import { glyph, lookOf, type Style } from '../terminal/style.ts';
import { type Cell, type Column, type Row, renderTable } from '../terminal/table.ts';

export interface TableOptions {
  readonly style: Style;
  readonly now: number;
  readonly wide: boolean;
  /** Where the project lies, when that is known. */
  readonly folder: string | null;
}

const COLUMNS: readonly Column[] = [
  { title: '' },
  { title: 'NAME', shrinksTo: 12 },
  { title: 'STATE' },
  { title: 'HEALTH' },
  { title: 'PID', align: 'right' },
  { title: 'UPTIME', align: 'right' },
  { title: 'RESTARTS', align: 'right' },
  { title: 'MEM', align: 'right' },
  { title: 'PORTS', shrinksTo: 8 },
];
const WIDE: readonly Column[] = [
  { title: 'CPU', align: 'right' },
  { title: 'GROUPS', shrinksTo: 8 },
  { title: 'BY' },
  { title: 'DESCRIPTION', shrinksTo: 12 },
  { title: 'SAYS', shrinksTo: 12 },
];
const UNMANAGED: readonly Column[] = [
  { title: 'UNMANAGED', align: 'right' },
  { title: 'COMMAND', shrinksTo: 20 },
  { title: 'PORTS' },
  { title: 'SERVICE' },
  { title: 'FOUND BY' },
];
const REASON: Column = { title: 'REASON' };

/** One project: a line about all of it, a row an instance, what runs unmanaged, and the reasons that matter. */
export function renderProcessTable(view: PsView, options: TableOptions): string {
  const { style, wide } = options;
  const columns = [...COLUMNS, ...(wide ? WIDE : []), ...(style.rich ? [] : [REASON])];
  const rows = view.services.flatMap((service) => rowsOf(service, options));
  const parts = [
    style.rich ? headline(view, options) : '',
    renderTable(columns, rows, style),
    renderUnmanaged(view, style),
    style.rich ? reasons(view, style) : '',
  ];
  return parts.join('');
}

const PROJECT: Column = { title: 'PROJECT', shrinksTo: 12 };

/** Every project. On a terminal each has its headline; elsewhere a row must say itself which project it is of. */
export function renderAllProjects(views: readonly PsView[], options: Omit<TableOptions, 'folder'>): string {
  const { style, wide } = options;
  if (style.rich) return views.map((view) => renderProcessTable(view, { ...options, folder: null })).join('\n');
  const [mark, ...columns] = [...COLUMNS, ...(wide ? WIDE : []), REASON] as const;
  const rows = views.flatMap((view) =>
    view.services.flatMap((service) =>
      rowsOf(service, { ...options, folder: null }).map(
        ([glyphCell, ...cells]): Row => [glyphCell ?? null, view.project, ...cells],
      ),
    ),
  );
  const stray = views.flatMap((view) => view.unmanaged.map((each): Row => [view.project, ...unmanagedCells(each)]));
  const table = renderTable([PROJECT, ...UNMANAGED], stray, style);
  return `${renderTable([mark, PROJECT, ...columns], rows, style)}${table === '' ? '' : `\n${table}`}`;
}

function headline({ project, services }: PsView, { style, folder }: TableOptions): string {
  const sums: string[] = [count(services.length, 'service')];
  const add = (amount: number, word: string): void => void (amount > 0 && sums.push(`${amount} ${word}`));
  add(services.filter((s) => s.ready && s.health !== 'unhealthy').length, 'ok');
  add(services.filter((s) => s.state === 'failed').length, 'failed');
  add(services.filter((s) => s.state === 'backoff').length, 'in backoff');
  add(services.filter((s) => s.health === 'unhealthy').length, 'unhealthy');
  const where = folder ? `  ${style.paint('grey', oneLine(folder))}` : '';
  return `${style.paint('bold', oneLine(project))}${where}  ${sums.join(` ${glyph(style, 'dot')} `)}\n`;
}

function rowsOf(service: ServiceView, options: TableOptions): readonly Row[] {
  return service.instances.map((instance) => {
    const name = service.instances.length > 1 ? `${service.name}:${instance.index}` : service.name;
    return [...instanceCells(name, instance, options), ...extraCells(service, instance, options)];
  });
}

function instanceCells(name: string, instance: InstanceView, { style, now }: TableOptions): Row {
  const look = lookOf(instance.state, instance.health);
  const mark: Cell = { text: style.unicode ? look.glyph : look.ascii, colour: look.colour };
  return [
    mark,
    name,
    { text: instance.state, colour: look.colour },
    healthCell(instance),
    instance.pid === null ? null : String(instance.pid),
    instance.started_at === null ? null : humanDuration(now - Date.parse(instance.started_at)),
    String(instance.restarts),
    instance.memory_bytes === null ? null : humanBytes(instance.memory_bytes),
    portsText(instance.ports),
  ];
}

function healthCell({ health }: InstanceView): Cell {
  if (health === 'unknown') return { text: null };
  return { text: health, colour: health === 'healthy' ? 'green' : 'yellow' };
}

function extraCells(service: ServiceView, instance: InstanceView, { style, wide }: TableOptions): Row {
  const cpu = instance.cpu_percent === null ? null : `${instance.cpu_percent.toFixed(1)}%`;
  const more = wide ? [cpu, service.groups.join(','), service.managed_by, service.description, instance.status] : [];
  return style.rich ? more : [...more, instance.reason];
}

/** A port that is declared and on which nothing is listening is marked. */
export function portsText(ports: readonly PortView[]): string | null {
  const shown = ports.map(({ port, protocol, listening }) => {
    const number = port === null ? 'auto' : String(port);
    return `${number}${protocol === 'udp' ? '/udp' : ''}${listening ? '' : ' (not listening)'}`;
  });
  const allSilent = ports.length > 0 && ports.every(({ listening }) => !listening);
  if (allSilent)
    return ports.map(({ port, protocol }) => `(${port ?? 'auto'}${protocol === 'udp' ? '/udp' : ''})`).join(' ');
  return shown.length === 0 ? null : shown.join(' ');
}

function renderUnmanaged({ unmanaged }: PsView, style: Style): string {
  const table = renderTable(UNMANAGED, unmanaged.map(unmanagedCells), style);
  return table === '' ? '' : `\n${table}`;
}

function unmanagedCells({ pid, command, ports, service, found_by: by }: UnmanagedView): Row {
  return [String(pid), command, ports.join(' '), service, by.join(' ')];
}

/** For each service that is not as it is wanted, why. */
function reasons({ services }: PsView, style: Style): string {
  return services
    .filter((s) => s.reason !== null)
    .map((s) => {
      const said = `${s.name}: ${oneLine(s.reason ?? '')}`;
      return `${said}   ${style.paint('grey', `${glyph(style, 'arrow')} reeve why ${s.name}`)}\n`;
    })
    .join('');
}
