// Lives at once, listens on port= only after ms= (500), and says `now ready` when it does.
import { createServer } from 'node:net';
import { given } from './arguments.mjs';

const port = Number(given.port ?? process.env.PORT);
console.log('not ready yet');
setTimeout(
  () => createServer((socket) => socket.end()).listen(port, '127.0.0.1', () => console.log('now ready')),
  Number(given.ms ?? 500),
);
process.on('SIGTERM', () => process.exit(0));
