import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { KeeperRequest } from '@reeve/contract';
import { prepareHome } from '@reeve/host';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectKeeper } from './keeper-link.ts';
import { startKeeper } from './keeper-link-start.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'reeve-link-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const heard = { since: 0, version: 'test', onRecord: () => undefined, onLost: () => undefined };
function script(code: string): readonly string[] {
  const file = path.join(home, 'program.mjs');
  writeFileSync(file, code);
  return [process.execPath, file];
}

describe('a keeper that does not come up', () => {
  test('says why, in its own words', async () => {
    const program = script('console.error("no room in here"); process.exit(1)');
    await expect(startKeeper({ home, program, version: 'test' })).rejects.toThrow(
      expect.objectContaining({ code: 'SPAWN_FAILED', message: expect.stringContaining('no room in here') }),
    );
  });

  test('or how it ended', async () => {
    const program = script('process.kill(process.pid, "SIGKILL")');
    await expect(connectKeeper({ home, program, ...heard })).rejects.toThrow(/it ended with SIGKILL/);
  });

  test('or that its program is not there', async () => {
    await expect(startKeeper({ home, program: ['/no/such/program'], version: 'test' })).rejects.toThrow(/ENOENT/);
  });

  test('a keeper that finds another one is not a failure', async () => {
    expect(await startKeeper({ home, program: script('process.exit(5)'), version: 'test' })).toBe('held');
  });

  test('it gets its home, its version, and no code that is not its own', async () => {
    process.env['NODE_OPTIONS'] = '--no-warnings';
    try {
      const names = '[process.argv[2], process.env.REEVE_VERSION, process.env.NODE_OPTIONS ?? "none"]';
      const program = script(`console.error(${names}.join(" ")); process.exit(1)`);
      await expect(startKeeper({ home, program, version: '1.2.3' })).rejects.toThrow(`${home} 1.2.3 none`);
    } finally {
      delete process.env['NODE_OPTIONS'];
    }
  });
});

describe('at the other end there is', () => {
  let server: Server;
  const listen = (answer: (request: KeeperRequest & { id: number }, socket: Socket) => void) =>
    new Promise<void>((resolve) => {
      server = createServer((socket) => {
        socket.on('data', (chunk: Buffer) => {
          for (const line of chunk.toString().trim().split('\n')) answer(JSON.parse(line), socket);
        });
      });
      server.listen(prepareHome(home).keeperSocket, resolve);
    });
  afterEach(() => new Promise((resolve) => server.close(resolve)));
  const hello = { protocol: 1, pid: 7, version: 'x', seq: 0, runs: [] };

  test('a keeper of another protocol: told so, nothing is started beside it', async () => {
    const error = { code: 'PROTOCOL', errno: null, message: 'protocol 9' };
    await listen(({ id }, socket) => socket.write(`${JSON.stringify({ id, error })}\n`));
    await expect(connectKeeper({ home, program: ['/no/such/program'], ...heard })).rejects.toThrow(
      expect.objectContaining({ code: 'PROTOCOL_MISMATCH' }),
    );
  });

  test('something that is not a keeper', async () => {
    await listen((_request, socket) => socket.write('HTTP/1.1 400 Bad Request\n'));
    await expect(connectKeeper({ home, program: ['/no/such/program'], ...heard })).rejects.toThrow(
      expect.objectContaining({ code: 'KEEPER_LOST' }),
    );
  });

  test('a keeper that dies in the middle of a request: the request fails, and the loss is reported once', async () => {
    let lost = 0;
    await listen(({ id, do: what }, socket) => {
      if (what === 'hello') socket.write(`${JSON.stringify({ id, ok: hello })}\n`);
      else socket.destroy();
    });
    const onLost = () => {
      lost += 1;
    };
    const keeper = await connectKeeper({ home, program: ['/no/such/program'], ...heard, onLost });
    expect([keeper.pid, keeper.runs]).toEqual([7, []]);
    await expect(keeper.release('x')).rejects.toThrow(expect.objectContaining({ code: 'KEEPER_LOST' }));
    await expect(keeper.leave()).rejects.toThrow(expect.objectContaining({ code: 'KEEPER_LOST' }));
    keeper.acknowledge(1);
    expect(lost).toBe(1);
  });
});
