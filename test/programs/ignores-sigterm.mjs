// Hears SIGTERM (and SIGINT) and goes on.
import { stay } from './arguments.mjs';

for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => console.log(`ignored ${signal}`));
console.log('ready');
stay();
