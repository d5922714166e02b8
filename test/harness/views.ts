import path from 'node:path';
import type { PsView, ServiceView } from '@reeve/contract';
import { ReeveClient } from '@reeve/sdk';
import type { TestReeve } from './reeve.ts';

/**
 * `reeve ps` of the test's project, asked on the daemon's socket while one answers there: a command costs a tenth of a
 * second of a processor each time, and tests that wait ask often. Without a daemon the command answers.
 */
export class Views implements AsyncDisposable {
  readonly #reeve: TestReeve;
  #client: ReeveClient | null = null;

  constructor(reeve: TestReeve) {
    this.#reeve = reeve;
  }

  async services(): Promise<readonly ServiceView[]> {
    return (await this.#byDaemon()) ?? (await this.#reeve.json<PsView>(['ps'])).services;
  }

  /** Null: no daemon answers, or it does not know the project. */
  async #byDaemon(): Promise<readonly ServiceView[] | null> {
    const { home, folder } = this.#reeve;
    try {
      const socket = path.join(home, 'run/control.sock');
      this.#client ??= await ReeveClient.connect({ socket, home, deadline: 2000 });
      const { projects } = await this.#client.call('ps', { project: { folder } }, { deadline: 5000 });
      return projects[0]?.services ?? null;
    } catch {
      await this[Symbol.asyncDispose]();
      return null;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client?.[Symbol.asyncDispose]();
    this.#client = null;
  }
}
