#!/usr/bin/env node
'use strict';

try {
  require('../dist/cli.js');
} catch (error) {
  if (error.code !== 'MODULE_NOT_FOUND' || !error.message.includes('../dist/cli.js')) throw error;
  process.stderr.write('reeve is not built yet: npm run build\n');
  process.exitCode = 1;
}
