#!/usr/bin/env node
import module from 'node:module';

// Compiled code is kept between starts where this Node can do it.
module.enableCompileCache?.();

try {
  await import('../dist/cli.js');
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND' || !String(error.url ?? error.message).includes('/dist/cli.js'))
    throw error;
  process.stderr.write('reeve is not built yet: npm run build\n');
  process.exitCode = 1;
}
