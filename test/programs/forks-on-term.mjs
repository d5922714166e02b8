// Answers SIGTERM by starting a new detached process, which ignores SIGTERM, and then ends.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { stay } from './arguments.mjs';

const stubborn = fileURLToPath(import.meta.resolve('./ignores-sigterm.mjs'));
process.on('SIGTERM', () => {
  const late = spawn(process.execPath, [stubborn, ...process.argv.slice(2)], { detached: true, stdio: 'inherit' });
  late.once('spawn', () => {
    console.log(`forked ${late.pid}`);
    late.unref();
    process.exit(0);
  });
});
console.log('ready');
stay();
