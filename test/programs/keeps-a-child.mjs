// Starts an ordinary child (a sleep with the same mark) and waits for it; ends on SIGTERM without telling it.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const child = spawn(process.execPath, [fileURLToPath(import.meta.resolve('./stays.mjs')), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
console.log(`child ${child.pid}`);
process.on('SIGTERM', () => process.exit(0));
