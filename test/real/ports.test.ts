import { createServer } from 'node:net';
import type { PortRow, PsView } from '@reeve/contract';
import { expect, test } from 'vitest';
import { startReeve } from '../harness/reeve.ts';

test('a port that a foreign program holds is refused before the start, and names the holder', async () => {
  await using reeve = startReeve();
  const port = await reeve.port();
  const foreign = createServer().listen(port, '127.0.0.1');
  await new Promise((resolve) => foreign.once('listening', resolve));
  reeve.project({ services: { web: { command: [...reeve.program('http-server')], ports: [port] } } });
  const up = await reeve.run(['up', '-d']);
  foreign.close();
  expect(up.code, up.stderr).toBe(5);
  expect(up.stdout + up.stderr).toContain(`port ${port} is held by`);
  expect(up.stdout + up.stderr).toContain(`pid ${process.pid}`);
  expect((await reeve.json<PsView>(['ps'])).services[0]).toMatchObject({ state: 'failed', restarts: 0 });
  expect((await reeve.run(['start'])).code).toBe(0);
});

test('auto ports are leased, given as PORT, stable over restarts, and shown with their owner', async () => {
  await using reeve = startReeve();
  reeve.project({
    services: {
      web: { command: [...reeve.program('http-server')], ports: { http: 'auto' } },
      other: { command: [...reeve.program('http-server')], ports: { http: 'auto' } },
    },
  });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const ports = async () => (await reeve.json<PsView>(['ps'])).services.map((s) => s.ports[0]?.port);
  const first = await ports();
  expect(new Set(first).size).toBe(2);
  for (const port of first) expect(port).toBeGreaterThanOrEqual(20000);
  for (const port of first) expect(port).toBeLessThanOrEqual(32767);
  await reeve.run(['restart']);
  expect(await ports()).toEqual(first);
  const rows = (await reeve.json<{ ports: PortRow[] }>(['ports', String(first[0])])).ports;
  expect(rows).toMatchObject([
    { port: first[0], service: 'web', leased: true, listening: true, owner: { ours: true, pid: expect.any(Number) } },
  ]);
});

test('two services of different projects on one port: the second is refused and names the first', async () => {
  await using reeve = startReeve();
  const port = await reeve.port();
  reeve.project({ services: { web: { command: [...reeve.program('http-server')], ports: [port] } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  reeve.project(
    { services: { rival: { command: [...reeve.program('http-server')], ports: [port] } } },
    `${reeve.folder}/other`,
  );
  const up = await reeve.run(['up', '-d'], { cwd: `${reeve.folder}/other` });
  expect(up.code).toBe(5);
  expect(up.stdout + up.stderr).toMatch(/held by/);
});
