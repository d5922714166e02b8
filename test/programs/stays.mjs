// Runs until it is asked to stop, and says goodbye: the well-behaved one.
import { stay } from './arguments.mjs';

process.on('SIGTERM', () => {
  console.log('goodbye');
  process.exit(0);
});
console.log(`ready ${process.pid}`);
stay();
