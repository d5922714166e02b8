// A service that uses the library. Its only argument is JSON: service, port (listens there), leaves_port (a detached
// child of it listens there and outlives it), leaves_child (that child has its mark), cleanup ('done' | 'throws' | 'hangs', or { command }), cleanup_timeout,
// start (a command), start_method (it can only start what it manages itself), data, ready. Prints `open PID` when all of it is said.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { ManagedService } from '@reeve/sdk';

const wish = JSON.parse(process.argv[2]);
const CLEANUPS = {
  done: () => console.log('cleaned'),
  throws: () => {
    throw new Error('no such table');
  },
  hangs: () => new Promise(() => {}),
};

class Announces extends ManagedService {
  constructor() {
    super(wish.service);
  }
  async run() {
    const ports = [wish.port, wish.leaves_port].filter(Boolean);
    const server = createServer();
    if (wish.port) await once(server.listen(wish.port, '127.0.0.1'), 'listening');
    if (wish.leaves_port) await leaveListener(wish.leaves_port, { PATH: process.env.PATH });
    if (wish.leaves_child) await leaveListener(wish.leaves_child, process.env);
    this.register({ port: wish.port, ...wish.data });
    this.announceProcessManagement({
      ports,
      start: wish.start ?? (wish.start_method ? () => console.log('started') : null),
      cleanup: wish.cleanup?.command ?? CLEANUPS[wish.cleanup] ?? null,
      cleanupTimeout: wish.cleanup_timeout ?? 5000,
      dependencies: wish.dependencies ?? [],
      capabilities: wish.capabilities ?? [],
    });
    await this.ready();
    console.log(`open ${process.pid}`);
    await this.untilStopped();
    server.close();
  }
}

/** Two forks, a session of its own and no environment: nothing shows any more that it was ours. */
async function leaveListener(port, env) {
  const code = `require('net').createServer().listen(${port}, '127.0.0.1')`;
  const words = ['-c', '(setsid "$0" -e "$1" "$2" &)', process.execPath, code, process.argv[3] ?? ''];
  await once(spawn('sh', words, { stdio: 'ignore', env }), 'exit');
  while (!(await answers(port))) await new Promise((resolve) => setTimeout(resolve, 20));
}
function answers(port) {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  }).finally(() => socket.destroy());
}

await Announces.main();
