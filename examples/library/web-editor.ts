// web-editor.ts
import { createServer } from 'node:http';
import { ManagedService } from '@reeve/sdk';

class WebEditor extends ManagedService {
  readonly #server = createServer((_request, response) => response.end('hello\n'));

  constructor() {
    super('web-editor');
    this.onStop(() => new Promise((resolve) => this.#server.close(resolve)));
    this.onSecondInstance((argv, cwd) => console.log('started again', argv.slice(2), cwd));
  }

  async run() {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    this.register({ port, version: '1.2.0', features: ['live'] });
    this.interval('status', 5_000, () => this.status('all well'));
    await this.ready();
    console.log('ready');
    await this.untilStopped();
  }
}

await WebEditor.main();
