// On SIGTERM it ends at once and leaves a detached child in its own session that holds port=.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const server = fileURLToPath(import.meta.resolve('./http-server.mjs'));
const child = spawn(process.execPath, [server, ...process.argv.slice(2)], { detached: true, stdio: 'inherit' });
child.unref();
console.log(`leaked ${child.pid}`);
process.on('SIGTERM', () => process.exit(0));
setInterval(() => {}, 1 << 30);
