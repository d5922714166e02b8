// On SIGTERM it takes ms= (default 1000), or until the file gate= exists, and then ends with code= (default 0).
import { existsSync } from 'node:fs';
import { given, stay } from './arguments.mjs';

process.on('SIGTERM', () => {
  console.log('SIGTERM');
  const end = () => process.exit(Number(given.code ?? 0));
  if (given.gate === undefined) setTimeout(end, Number(given.ms ?? 1000));
  else setInterval(() => existsSync(given.gate) && end(), 20);
});
console.log('ready');
stay();
