// Sends what lies in outbox/, looking twice a second.
import { mkdir, readdir, rename } from 'node:fs/promises';
import { ManagedService } from '@reeve/sdk';

class Mailer extends ManagedService {
  #sent = 0;

  constructor() {
    super('mailer');
  }

  async run() {
    await mkdir('outbox', { recursive: true });
    await mkdir('sent', { recursive: true });
    this.register({ reads: 'outbox', writes: 'sent' });
    // Never two rounds at once; at the end the round that runs is waited for.
    this.interval('outbox', 500, (signal) => this.#send(signal));
    await this.ready();
    await this.untilStopped();
  }

  /** @param {AbortSignal} signal aborted when the service is to stop: the mail in hand is finished, no other begun */
  async #send(signal) {
    for (const name of await readdir('outbox')) {
      if (signal.aborted) return;
      await rename(`outbox/${name}`, `sent/${name}`);
      this.#sent += 1;
      this.status(`${this.#sent} sent, ${name} last`);
    }
  }
}

await Mailer.main();
