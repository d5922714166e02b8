import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { environOf } from './process-table.ts';
import { listListeners, socketsOf } from './sockets.ts';

const isRoot = process.getuid?.() === 0;
const NEXT = '/proc/sys/kernel/ns_last_pid';

let server: Server | null = null;
const heirs: ChildProcess[] = [];
afterEach(async () => {
  server?.close();
  for (const child of heirs.splice(0)) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

/** A process that has inherited the listening socket; if need be after the pids have begun anew. */
async function heirWithLowerPid(fd: number): Promise<number> {
  for (let below = 1; below < 200; below++) {
    writeFileSync(NEXT, String(process.pid - 1 - below));
    const child = spawn('sleep', ['1000'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
    heirs.push(child);
    await once(child, 'spawn');
    if ((child.pid ?? 0) < process.pid) return child.pid ?? 0;
  }
  throw new Error(`no pid below ${process.pid} was free`);
}

test.runIf(isRoot)('a listening socket is its opener’s, though an heir has a lower pid', async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { fd } = (server as unknown as { readonly _handle: { readonly fd: number } })._handle;
  const heir = await heirWithLowerPid(fd);
  expect(socketsOf(heir)).toHaveLength(1);
  expect(listListeners().find((each) => each.port === port)?.process?.pid).toBe(process.pid);
});

test('U27: whose main thread has ended is known by its other threads: who listens, what it is called, its environment', async () => {
  const program = `import ctypes,socket,threading,time
s=socket.socket(); s.bind(('127.0.0.1',0)); s.listen()
def serve():
    while open('/proc/self/stat').read().rsplit(')',1)[1].split()[0]!='Z': time.sleep(.01)
    print(s.getsockname()[1],flush=True)
    s.accept()
threading.Thread(target=serve).start()
ctypes.CDLL(None).pthread_exit(None)`;
  const child = spawn('python3', ['-c', program], { env: { ...process.env, TOLD: 'so' } });
  heirs.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const owner = listListeners().find((each) => each.port === Number(line.toString()));
  expect(owner?.process?.pid).toBe(child.pid);
  expect(owner?.command).toContain('pthread_exit');
  expect(environOf(child.pid ?? 0)?.get('TOLD')).toBe('so');
});
