// worker.ts
import { setTimeout as pause } from 'node:timers/promises';
import { ManagedService, ReeveError } from '@reeve/sdk';

class Worker extends ManagedService {
  constructor() {
    super('worker');
  }
  async run() {
    try {
      const { host, port } = await this.dependency('database', { timeout: 200 });
      console.log(`database at ${host}:${port}`);
    } catch (error) {
      if (!(error instanceof ReeveError)) throw error;
      console.log(error.message);
    }
    this.worker('queue', async (signal) => {
      while (!signal.aborted) await pause(50, undefined, { signal });
    });
    await this.ready();
    console.log('ready');
    await this.untilStopped();
  }
}

await Worker.main();
