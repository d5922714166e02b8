// Handles SIGTERM (and SIGINT) and continues.
import { stay } from './arguments.mjs';

for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => console.log(`ignored ${signal}`));
console.log('ready');
stay();
