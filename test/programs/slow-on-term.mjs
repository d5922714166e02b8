// On SIGTERM it takes ms= (default 1000) and then ends with code= (default 0).
import { given, stay } from './arguments.mjs';

process.on('SIGTERM', () => {
  console.log('SIGTERM');
  setTimeout(() => process.exit(Number(given.code ?? 0)), Number(given.ms ?? 1000));
});
console.log('ready');
stay();
