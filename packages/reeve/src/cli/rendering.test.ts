import type { InstanceView, PsView, Receipt, ServiceView, WhyView } from '@reeve/contract';
import { expect, test } from 'vitest';
import { renderAllProjects, renderProcessTable } from './show/process-table.ts';
import { renderReceipt } from './show/receipt-text.ts';
import { renderWhy } from './show/why-text.ts';
import { styleFor } from './terminal/style.ts';

const terminal = styleFor({ isTTY: true, columns: 100, env: { LANG: 'C.UTF-8', NO_COLOR: '1' }, color: null });
const ascii = styleFor({ isTTY: true, columns: 100, env: { LANG: 'C', NO_COLOR: '1' }, color: null });
const pipe = styleFor({ isTTY: false, columns: 0, env: {}, color: null });
const NOW = Date.parse('2026-11-21T12:00:00.000Z');

function instance(over: Partial<InstanceView>): InstanceView {
  const empty = {
    pid: null,
    started_at: null,
    reason: null,
    status: null,
    health_history: [],
    ports: [],
    cpu_percent: null,
    memory_bytes: null,
    exit: null,
    run: null,
  };
  return { index: 0, state: 'stopped', health: 'unknown', restarts: 0, ...empty, ...over };
}
function service(name: string, instances: readonly InstanceView[], over: Partial<ServiceView> = {}): ServiceView {
  const [first = instance({})] = instances;
  const { state, reason, status, health, pid, started_at, exit, restarts, ports } = first;
  return {
    ...{ id: '0123456789ab', command: null, cwd: null, created_at: null, updated_at: null },
    ...{
      name,
      title: null,
      description: '',
      state,
      reason,
      status,
      intent: 'up',
      health,
      ready: state === 'running',
      pid,
      started_at,
      exit,
    },
    ...{ restarts, ports, data: null, groups: [], is_system: false, managed_by: 'config', cpu_percent: null },
    ...{ memory_bytes: null, instances, ...over },
  };
}
const port = (number: number, listening: boolean) =>
  ({ name: null, port: number, protocol: 'tcp', listening }) as const;
const running = {
  state: 'running',
  health: 'healthy',
  started_at: '2026-11-21T09:46:00.000Z',
  memory_bytes: 41 << 20,
} as const;
const db = service('db', [instance({ ...running, pid: 41190, ports: [port(5432, true)] })]);
const worker = service('worker', [
  instance({ ...running, pid: 5, health: 'unhealthy' }),
  instance({ index: 1, state: 'starting', pid: 6 }),
]);
const web = service('web', [
  instance({ state: 'backoff', restarts: 4, reason: 'exited with code 1\u001b[2J', ports: [port(3000, false)] }),
]);
const view: PsView = {
  project: 'shop',
  daemon: { running: true, pid: 1, version: '0.1.0', problems: [] },
  services: [db, worker, web],
  unmanaged: [
    {
      pid: 8112,
      started_at: null,
      command: 'node old.js',
      ports: [3000],
      service: 'web',
      found_by: ['port'],
      confidence: 'low',
    },
  ],
  scanned_at: null,
};

test('ps on a terminal: glyph and word for each state, and the reason of what is not as wanted', () => {
  expect(renderProcessTable(view, { style: terminal, now: NOW, wide: false, folder: '~/shop' })).toBe(
    [
      'shop  ~/shop  3 services · 1 ok · 1 in backoff · 1 unhealthy',
      '   NAME      STATE     HEALTH       PID  UPTIME  RESTARTS    MEM  PORTS',
      '●  db        running   healthy    41190  2h 14m         0  41 MB  5432',
      '▲  worker:0  running   unhealthy      5  2h 14m         0  41 MB  –',
      '◐  worker:1  starting  –              6       –         0      –  –',
      '↻  web       backoff   –              –       –         4      –  (3000)',
      '',
      'UNMANAGED  COMMAND      PORTS  SERVICE  FOUND BY',
      '     8112  node old.js  3000   web      port',
      'web: exited with code 1   → reeve why web',
      '',
    ].join('\n'),
  );
});

test('U4: ps --all in a pipe says of every row which project it is of', () => {
  const other = { ...view, project: 'office', services: [db], unmanaged: [] };
  const lines = renderAllProjects([view, other], { style: pipe, now: NOW, wide: false }).split('\n');
  expect(lines[0]).toBe('PROJECT\tNAME\tSTATE\tHEALTH\tPID\tUPTIME\tRESTARTS\tMEM\tPORTS\tREASON');
  expect(lines.slice(1, 6).map((line) => line.split('\t').slice(0, 2))).toEqual([
    ['shop', 'db'],
    ['shop', 'worker:0'],
    ['shop', 'worker:1'],
    ['shop', 'web'],
    ['office', 'db'],
  ]);
  expect(lines.slice(-3, -1)).toEqual([
    'PROJECT\tUNMANAGED\tCOMMAND\tPORTS\tSERVICE\tFOUND BY',
    'shop\t8112\tnode old.js\t3000\tweb\tport',
  ]);
  expect(renderAllProjects([view], { style: terminal, now: NOW, wide: false })).toContain('shop  3 services');
});

test('ps without UTF-8 is ASCII', () => {
  expect(renderProcessTable(view, { style: ascii, now: NOW, wide: true, folder: null })).toMatch(/^[\x20-\x7e\n]*$/);
});

test('ps in a pipe: one line an instance, cells separated by tabs, with the reason', () => {
  const lines = renderProcessTable(view, { style: pipe, now: NOW, wide: false, folder: '/shop' }).split('\n');
  expect(lines[0]).toBe('NAME\tSTATE\tHEALTH\tPID\tUPTIME\tRESTARTS\tMEM\tPORTS\tREASON');
  expect(lines[1]).toBe('db\trunning\thealthy\t41190\t2h 14m\t0\t41 MB\t5432\t-');
  expect(lines[4]).toBe('web\tbackoff\t-\t-\t-\t4\t-\t(3000)\texited with code 1');
});

const killed = { kind: 'signal', code: null, signal: 'SIGKILL', at: '2026-11-21T11:59:00.000Z' } as const;
const receipt: Receipt = {
  project: 'shop',
  status: 'COMPLETE',
  services: [
    {
      name: 'web',
      promise: 'verified',
      promise_reason: 'cgroup v2, populated 0',
      processes: [
        { pid: 5, command: 'node', found_by: ['main'], signals: ['SIGTERM', 'SIGKILL'], exit: killed },
        { pid: 6, command: 'sh', found_by: ['tree'], signals: ['SIGTERM'], exit: null },
      ],
      ports: [{ port: 8081, free: true }],
      stop_commands: [],
    },
  ],
  survivors: [],
  ms: 412,
};

test('a receipt ends with its verdict', () => {
  expect(renderReceipt(receipt, terminal)).toBe(
    [
      'SERVICE  PROCESSES  SIGNALS          EXIT          PORTS      PROMISE',
      'web              2  SIGTERM SIGKILL  SIGKILL gone  8081 free  verified',
      'SERVICE  PID  FOUND BY  SIGNALS          EXIT     COMMAND',
      'web        5  main      SIGTERM SIGKILL  SIGKILL  node',
      'web        6  tree      SIGTERM          gone     sh',
      '✓ COMPLETE  shop: 1 service, 2 processes ended in 0.4s (verified)',
      '',
    ].join('\n'),
  );
  expect(renderReceipt({ ...receipt, services: [] }, pipe)).toBe('✓ COMPLETE  shop: nothing was running\n');
});

test('an incomplete one names who is left and why', () => {
  const survivors = [{ service: 'web', pid: 6, command: 'sh -c x', why: 'it belongs to another user' }];
  const text = renderReceipt({ ...receipt, status: 'INCOMPLETE', survivors }, terminal);
  expect(text).toContain('✗ web: pid 6 sh -c x is still there: it belongs to another user\n');
  expect(text.trimEnd().split('\n').at(-1)).toBe('✗ INCOMPLETE  shop: 1 process left after 0.4s');
});

test('a receipt that promises less says why', () => {
  const [web] = receipt.services;
  const services = web ? [{ ...web, promise: 'best_effort' as const, promise_reason: 'no cgroup' }] : [];
  expect(renderReceipt({ ...receipt, services }, terminal)).toContain('(best effort: no cgroup)');
});

const story: WhyView = {
  service: { ...web, exit: { kind: 'code', code: 1, signal: null, at: '2026-11-21T11:59:46.000Z' } },
  summary: 'web is in backoff (wanted: up): exited with code 1',
  waits_for: ['api is not ready yet'],
  roots: [],
  because: [],
  crash: null,
  blocks: ['e2e'],
  events: [],
  last_lines: ['\u001b]0;owned\u0007Error: listen EADDRINUSE'],
  next_try_at: '2026-11-21T12:00:12.000Z',
  survivors: [],
  try: ['reeve logs web', 'reeve start web'],
};

test('why: one sentence, its evidence as a tree, and what to type next', () => {
  expect(renderWhy(story, terminal, NOW)).toBe(
    [
      'web is in backoff (wanted: up): exited with code 1',
      '├─ next try   in 12s',
      '├─ last exit  14s ago',
      '├─ restarts   4',
      '├─ waits for  api is not ready yet',
      '├─ blocks     e2e',
      '├─ ports      (3000)',
      '└─ said       Error: listen EADDRINUSE',
      'Try: reeve logs web · reeve start web',
      '',
    ].join('\n'),
  );
});

test('U14: why says no sentence twice', () => {
  const waiting = service('web', [instance({ state: 'waiting', reason: 'db has failed: exited with code 1' })]);
  const root = { name: 'db', state: 'failed', intent: 'up', reason: 'exited with code 1' } as const;
  const summary = 'web is waiting (wanted: up): db has failed: exited with code 1';
  const why = { ...story, service: waiting, summary, waits_for: ['db has failed: exited with code 1'], roots: [root] };
  const text = renderWhy({ ...why, last_lines: [], next_try_at: null }, terminal, NOW);
  expect(text.match(/exited with code 1/g)).toHaveLength(1);
  expect(text).toContain('held up by  db, which is failed (wanted: up)\n');
});

test('U14: of a service that runs and is silent why names the usual cause', () => {
  const silent = { ...story, service: service('db', [instance({ ...running, pid: 5 })]), last_lines: [] };
  expect(renderWhy(silent, terminal, NOW)).toContain('buffers its output');
});
