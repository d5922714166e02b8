import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReeveError } from '@reeve/contract';
import pino from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { openRegistry } from '../registry/open.ts';
import { Outbox } from '../supervisor/outbox.ts';
import { audited } from './audited.ts';
import type { OperationCall, Operations } from './operation-types.ts';

const requester = { kind: 'token', user: 'me', pid: 7 } as const;
const call: OperationCall<never> = { push: () => {}, signal: new AbortController().signal, requester };
const project = { name: 'shop' };
const wish = { project, services: ['web'], timeout: null, force: false, actor: requester };

function world(some: Partial<Operations>) {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-audited-'));
  const registry = openRegistry({ file: join(folder, 'reeve.db') });
  const outbox = new Outbox(registry, pino({ level: 'silent' }), () => {});
  onTestFinished(() => {
    registry.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const refuse = async (): Promise<never> => {
    throw new ReeveError('PROJECT_UNKNOWN', { name: 'shop' });
  };
  const all: Operations = {
    apply: refuse,
    start: refuse,
    restart: refuse,
    stop: refuse,
    down: refuse,
    cleanup: refuse,
    signal: refuse,
    kill: refuse,
    hunt: refuse,
    plan: refuse,
    logs: refuse,
    stopAll: refuse,
    stopManaged: async () => [],
    ...some,
  };
  const clock = { now: () => 5, monotonic: () => 6 };
  const operations = audited({ outbox, deps: { registry, clock } }, all);
  const rows = () => {
    outbox.flush();
    return registry.audit.newest(10).map(({ actor, action, target, outcome }) => [actor, action, target, outcome]);
  };
  return { operations, rows };
}

test('a refusal is in the audit log: who, what, of what, and why; the caller gets the error', async () => {
  const { operations, rows } = world({});
  await expect(operations.stop(wish, call)).rejects.toMatchObject({ code: 'PROJECT_UNKNOWN' });
  expect(rows()).toEqual([['token:me:7', 'stop', 'shop: web', 'refused: PROJECT_UNKNOWN (exit code 4)']]);
});

test('a stop is recorded with its outcome, once, and a signal with its name', async () => {
  const receipt = { project: 'shop', status: 'COMPLETE', services: [], survivors: [], ms: 1 } as const;
  const { operations, rows } = world({ stop: async () => ({ receipt }), signal: async () => ({ pid: 9 }) });
  await operations.stop(wish, call);
  await operations.signal({ project, service: 'web', signal: 'HUP', actor: requester }, call);
  expect(rows()).toEqual([
    ['token:me:7', 'signal HUP', 'shop: web', 'done'],
    ['token:me:7', 'stop', 'shop: web', 'done'],
  ]);
});

test('a kill is recorded with what was typed and who is left, its refusal with the code', async () => {
  const survivor = { service: '', pid: 42, command: 'db', why: 'it is in D state' };
  const left = { status: 'INCOMPLETE', services: [], survivors: [survivor], ms: 1, notes: [] } as const;
  const order = { typed: ':3000', here: null, force: true, timeout: null, actor: requester } as const;
  const params = { ...order, target: { kind: 'port', port: 3000 } } as const;
  const { operations, rows } = world({ kill: async () => ({ ...left, project: null, target: ':3000' }) });
  await operations.kill(params, call);
  expect(rows()).toEqual([['token:me:7', 'kill', ':3000', 'failed: pid 42']]);
  const refused = world({});
  await expect(refused.operations.kill(params, call)).rejects.toThrow();
  expect(refused.rows()).toMatchObject([['token:me:7', 'kill', ':3000', expect.stringMatching(/^refused: /)]]);
});

test('what is recorded in its own transaction is not recorded twice', async () => {
  const accepted = { project: 'shop', services: ['web'], already: [] };
  const { operations, rows } = world({ start: async () => accepted });
  await operations.start({ project, services: ['web'], environment: null, actor: requester }, call);
  expect(rows()).toEqual([]);
});

test('an unexpected error is recorded as failed', async () => {
  const { operations, rows } = world({
    down: async () => {
      throw new TypeError('a bug');
    },
  });
  await expect(operations.down({ project, purge: false, timeout: null, actor: requester }, call)).rejects.toThrow();
  expect(rows()).toEqual([['token:me:7', 'down', 'shop', expect.stringContaining('failed: INTERNAL')]]);
});
