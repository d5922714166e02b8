// Ends with code= (1) after ms= (0): crash-after.mjs ms=200 code=3
import { given } from './arguments.mjs';

console.log(`crashing in ${given.ms ?? 0} ms`);
setTimeout(
  () => {
    console.error('crashed on purpose');
    process.exit(Number(given.code ?? 1));
  },
  Number(given.ms ?? 0),
);
