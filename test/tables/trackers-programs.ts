import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { linesOf } from '../harness/ask.ts';
import { hopper } from '../harness/escape-world.ts';
import type { TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

/** A program that hides, as a row of the table. */
export interface Hider {
  readonly name: string;
  /** How the page calls it. */
  readonly says: string;
  /**
   * Services of one set run in one project. Who is unexplained under the keeper lowers every promise there, and who
   * hops keeps the machine busy: each such kind is alone.
   */
  readonly set: 'still' | 'hops' | 'resets';
  readonly service: (reeve: TestReeve) => Promise<object>;
  /** Resolves when it has hidden, or will at the stop. */
  readonly ready: (reeve: TestReeve) => Promise<unknown>;
  /** Asked after the stop: only then a program that is gone shows anything. */
  readonly hasHidden: (reeve: TestReeve) => boolean;
  /** Tells its processes by their command line. */
  readonly isIts: (command: string) => boolean;
  /** Ends what no look can catch. */
  readonly end?: (reeve: TestReeve) => void;
}

const stop = { timeout: '500ms' };
const fileOf = (reeve: TestReeve, name: string) => path.join(reeve.folder, name);
const written = (name: string) => ({
  ready: (reeve: TestReeve) => until(`${name} is written`, () => existsSync(fileOf(reeve, name))),
  hasHidden: (reeve: TestReeve) => existsSync(fileOf(reeve, name)),
});
const said = (name: string) => (reeve: TestReeve) =>
  until(`${name} is ready`, async () => (await linesOf(reeve, name)).includes('ready'));

export const hiders: readonly Hider[] = [
  daemon('daemon', 'daemon'),
  daemon('keeps-cookie', 'daemon that keeps its environment', ['env=keep']),
  daemon('keeps-output', 'daemon that keeps its output open', ['fds=keep']),
  {
    ...daemon('listens', 'daemon that holds the listening socket it inherited'),
    service: async (reeve) => {
      const port = await reeve.port();
      const command = detaches(reeve, 'listens', `listen=${port}`);
      return { command, stop, ports: [port], ready: { log: '^forked$' } };
    },
  },
  {
    ...daemon('on-term', 'daemon made only at SIGTERM, ignoring all'),
    service: async (reeve) => ({
      command: detaches(reeve, 'on-term', 'when=term', 'ignore=all'),
      stop: { timeout: '1s' },
    }),
    ready: said('on-term'),
  },
  {
    name: 'title',
    says: 'title written over arguments and environment',
    set: 'still',
    service: async (reeve) => ({ command: [...reeve.program('overwrites-title')], stop }),
    ready: said('title'),
    hasHidden: () => true,
    isIts: (command) => /^[xy]{100}/.test(command),
  },
  hops('hops', 'hopper, in one session', 0),
  hops('hops-away', 'hopper, in a new session each time', 1),
  { ...daemon('resets', 'daemon that resets its own limits', ['reset=limits']), set: 'resets' },
];

function detaches(reeve: TestReeve, name: string, ...args: readonly string[]): readonly string[] {
  return reeve.program('detaches', `file=${fileOf(reeve, name)}`, ...args);
}

function daemon(name: string, says: string, args: readonly string[] = []): Hider {
  return {
    name,
    says,
    set: 'still',
    service: async (reeve) => ({ command: detaches(reeve, name, ...args), stop }),
    ...written(name),
    isIts: (command) => command.includes(`/project/${name} `),
  };
}

function hops(name: string, says: string, setsid: 0 | 1): Hider {
  return {
    name,
    says,
    set: 'hops',
    service: async (reeve) => ({ command: hopper(reeve, name, setsid), stop }),
    ...written(name),
    isIts: (command) => command.includes(`/project/${name} `),
    end: (reeve) => writeFileSync(`${fileOf(reeve, name)}.end`, ''),
  };
}
