import type { ServiceSpec } from '@reeve/contract';
import type { EventRow, LeaseRow, ProjectRow, RunRow, ServiceRow } from '../core/registry.ts';
import { testSpec } from '../core/spec/test-spec.ts';

// Rows to store, each complete, with what a test wants to be otherwise.

export function projectRow(changes: Partial<ProjectRow> = {}): ProjectRow {
  return { folder: '/p', name: 'shop', config: '/p/reeve.yaml', env: { A: '1' }, env_files: ['/p/.env'], ...changes };
}
export function serviceSpec(name: string): ServiceSpec {
  return testSpec({
    name,
    description: 'Ünïcode ✓',
    command: { text: 'node x', how: { kind: 'argv', argv: ['node', 'x'] } },
    ports: [{ name: 'http', port: 'auto', protocol: 'tcp', shared: false }],
    ready: { kind: 'delay', delay: 0 },
    limits: { nofile: 1024 },
  });
}
export function serviceRow(name: string, changes: Partial<ServiceRow> = {}): ServiceRow {
  const row = { folder: '/p', name, spec: serviceSpec(name), environment: { PATH: '/bin' }, data: { version: 2 } };
  return { ...row, managed_by: 'config', in_config: true, ...changes };
}
export function runRow(run: string, changes: Partial<RunRow> = {}): RunRow {
  const main = { boot: 'b-1', pid: 4711, start: 99 };
  return {
    run,
    folder: '/p',
    service: 'web',
    index: 0,
    generation: 1,
    id: '0123456789ab',
    marks: { run, main, witness: { cookie: run, cgroup: `/reeve/${run}` }, mark: 2 ** 52 + 1, ports: [8081] },
    started_at: 1_000,
    ready_at: null,
    ended_at: null,
    exit: null,
    ...changes,
  };
}
export function eventRow(changes: Partial<EventRow> = {}): EventRow {
  const row = { at: 1_000, folder: '/p', project: 'shop', service: 'web', instance: 0, run: 'r1' };
  return { ...row, event: 'service.started', message: 'web started', data: { pid: 4711 }, cause: null, ...changes };
}
export function leaseRow(changes: Partial<LeaseRow> = {}): LeaseRow {
  const row = { port: 8081, protocol: 'tcp', folder: '/p', service: 'web', index: 0, name: 'http' } as const;
  return { ...row, kind: 'fixed', run: 'r1', at: 1_000, ...changes };
}
