import path from 'node:path';
import { defineConfig } from 'vitest/config';

/** `npm run trackers`: measurements that write a table into a page. They are not part of the tests. */
export default defineConfig({
  root: path.resolve(import.meta.dirname, '../..'),
  resolve: { conditions: ['reeve-source', 'import', 'module', 'node', 'default'] },
  ssr: { resolve: { conditions: ['reeve-source', 'import', 'module', 'node', 'default'] } },
  test: {
    include: ['test/tables/*.table.ts'],
    pool: 'forks',
    testTimeout: 180_000,
    globalSetup: ['test/harness/global-setup.ts'],
    reporters: ['verbose'],
  },
});
