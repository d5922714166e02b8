// Shows the finished site on a port of its own, by a program that is not ours to change.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { getProcessManager, ManagedService } from '@reeve/sdk';

const port = Number(process.env.PORT ?? 8090);
const command = ['-m', 'http.server', String(port), '--bind', '127.0.0.1', '--directory', 'site'];

class Preview extends ManagedService {
  constructor() {
    super('preview');
  }

  async run() {
    const manager = getProcessManager();
    await manager.cleanupOnStartup(); // what an earlier start of this service has left, known by its mark, not its name
    const free = await manager.ensurePortAvailable(port);
    if (!free.ok) throw new Error(free.message); // names who holds it; nobody else's program is ended

    const server = spawn('python3', command, { stdio: ['ignore', 'inherit', 'inherit'] });
    const ended = once(server, 'exit');
    this.onStop(() => this.#end(server, ended));
    while (!(await manager.isPortInUse(port))) {
      if (server.exitCode !== null) throw new Error(`http.server ended with ${server.exitCode}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }

    this.register({ site: 'site', server: server.pid });
    this.announceProcessManagement({
      description: 'The finished site, for a look before it is published',
      processes: ['python3 -m http.server'],
      ports: [{ name: 'http', port }],
      cleanup: () => this.#end(server, ended),
    });
    await this.ready();
    await Promise.race([ended, this.untilStopped()]);
  }

  /**
   * @param {import('node:child_process').ChildProcess} server
   * @param {Promise<unknown>} ended
   */
  async #end(server, ended) {
    server.kill();
    await ended;
  }
}

await Preview.main();
