import { defineConfig } from 'vitest/config';
import { SlowestFirst } from './test/harness/slowest-first.ts';

/** Workspaces resolve to their source, so a test never runs against a stale build. */
const resolve = { conditions: ['reeve-source', 'import', 'module', 'node', 'default'] };
const ssr = { resolve: { conditions: ['reeve-source', 'import', 'module', 'node', 'default'] } };

export default defineConfig({
  test: {
    sequence: { sequencer: SlowestFirst },
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'unit',
          testTimeout: 60_000, // property tests, beside everything else on two cores
          include: ['packages/*/src/**/*.test.ts'],
          exclude: ['**/*.contract.test.ts'],
          pool: 'threads',
          isolate: false,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'contract',
          include: [
            'packages/*/src/**/*.contract.test.ts',
            'test/harness/**/*.contract.test.ts',
            'scripts/**/*.contract.test.mjs',
          ],
          pool: 'forks',
          testTimeout: 30_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'real',
          include: ['test/real/**/*.test.ts'],
          pool: 'forks',
          testTimeout: 120_000,
          hookTimeout: 120_000,
          globalSetup: ['test/harness/global-setup.ts'],
        },
      },
    ],
  },
});
