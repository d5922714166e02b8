import type { Exit, Receipt, ReceiptProcess, ReceiptService } from '@reeve/contract';
import { count, humanDuration } from '../terminal/amounts.ts';
import { oneLine } from '../terminal/safe-text.ts';
import { glyph, type Style } from '../terminal/style.ts';
import { type Column, type Row, renderTable } from '../terminal/table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'SERVICE', shrinksTo: 12 },
  { title: 'PROCESSES', align: 'right' },
  { title: 'SIGNALS' },
  { title: 'EXIT', shrinksTo: 10 },
  { title: 'PORTS', shrinksTo: 10 },
  { title: 'PROMISE', shrinksTo: 12 },
];

const PROCESS_COLUMNS: readonly Column[] = [
  { title: 'SERVICE', shrinksTo: 12 },
  { title: 'PID', align: 'right' },
  { title: 'FOUND BY', shrinksTo: 10 },
  { title: 'SIGNALS' },
  { title: 'EXIT', shrinksTo: 10 },
  { title: 'COMMAND', shrinksTo: 16 },
];

/** What was ended, how, and the verdict in the last line. */
export function renderReceipt(receipt: Receipt, style: Style): string {
  const alive = new Set(receipt.survivors.map(({ pid }) => pid));
  const table = renderTable(
    COLUMNS,
    receipt.services.map((service) => rowOf(service, alive)),
    style,
  );
  const processes = listed(receipt, alive, style);
  const survivors = receipt.survivors.map(
    (s) =>
      `${glyph(style, 'bad')} ${s.service}: pid ${s.pid} ${oneLine(s.command)} is still there: ${oneLine(s.why)}\n`,
  );
  const commands = receipt.services.flatMap(({ name, stop_commands }) =>
    stop_commands
      .filter(({ outcome }) => outcome !== 'done')
      .map((c) => `${glyph(style, 'bad')} ${name}: stop command ${oneLine(c.command)} ${oneLine(c.what)}\n`),
  );
  const others = (receipt.taken_over ?? []).map(
    ({ service, by }) => `${glyph(style, 'none')} ${service}: taken over by a newer command: ${oneLine(by)}\n`,
  );
  return `${table}${processes}${commands.join('')}${survivors.join('')}${others.join('')}${verdict(receipt, style)}\n`;
}

/** More than this are only counted; `--json` has them all. */
const MOST = 40;

/** Each process, how it was found to belong to its service, and how it ended. */
function listed({ services }: Receipt, alive: ReadonlySet<number>, style: Style): string {
  const rows = services.flatMap(({ name, processes }) =>
    processes.map((p): Row => {
      const exit = exitsOf([p], alive);
      return [name, String(p.pid), p.found_by.join(', '), p.signals.join(' '), exit, oneLine(p.command)];
    }),
  );
  return rows.length > MOST ? '' : renderTable(PROCESS_COLUMNS, rows, style);
}

function verdict(receipt: Receipt, style: Style): string {
  const { project, status, services, survivors, ms } = receipt;
  const name = style.paint('bold', oneLine(project));
  if (status === 'INCOMPLETE') {
    const left = count(survivors.length, 'process', 'processes');
    return `${style.paint('red', `${glyph(style, 'bad')} INCOMPLETE`)}  ${name}: ${left} left after ${humanDuration(ms)}`;
  }
  const done = style.paint('green', `${glyph(style, 'ok')} COMPLETE`);
  if (services.length === 0) return `${done}  ${name}: nothing was running`;
  const ended = services.reduce((sum, service) => sum + service.processes.length, 0);
  const weak = services.filter((service) => service.promise === 'best_effort');
  const promise = weak.length === 0 ? 'verified' : `best effort: ${oneLine(weak[0]?.promise_reason ?? '')}`;
  const amount = `${count(services.length, 'service')}, ${count(ended, 'process', 'processes')}`;
  return `${done}  ${name}: ${amount} ended in ${humanDuration(ms)} (${promise})`;
}

function rowOf(service: ReceiptService, alive: ReadonlySet<number>): Row {
  const { name, processes, ports, promise } = service;
  const signals = [...new Set(processes.flatMap((p) => p.signals))].join(' ');
  const busy = ports.some(({ free }) => !free);
  const places = ports.map(({ port, free }) => `${port}${busy ? (free ? ' free' : ' busy') : ''}`).join(' ');
  return [
    name,
    String(processes.length),
    signals,
    exitsOf(processes, alive),
    places === '' || busy ? places : `${places} free`,
    processes.some(({ pid }) => alive.has(pid)) ? 'not kept' : promise === 'verified' ? 'verified' : 'best effort',
  ];
}

function exitsOf(processes: readonly ReceiptProcess[], alive: ReadonlySet<number>): string {
  const word = ({ pid, exit }: ReceiptProcess): string =>
    alive.has(pid) ? 'alive' : exit === null ? 'gone' : exitText(exit);
  return [...new Set(processes.map(word))].join(' ');
}

/** `0`, `3`, `SIGKILL`, `unobserved`. */
function exitText(exit: Exit): string {
  switch (exit.kind) {
    case 'code':
      return String(exit.code);
    case 'signal':
      return exit.signal;
    case 'unobserved':
      return 'unobserved';
  }
}
