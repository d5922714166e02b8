// The shop's page.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { ManagedService } from '@reeve/sdk';

const port = Number(process.env.PORT ?? 8080);

class Web extends ManagedService {
  #server = createServer((_request, response) => response.end('welcome\n'));

  constructor() {
    super('web'); // one of it in this project: a second copy is told the pid of the first
    this.onStop(() => new Promise((resolve) => this.#server.close(resolve)));
  }

  async run() {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.register({ port, version: '1.2.0' }); // any JSON; `reeve ps --json` shows it
    await this.ready();
    await this.untilStopped();
  }
}

await Web.main();
