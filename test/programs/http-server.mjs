// Serves /healthz and / on port= (or PORT) of host= (127.0.0.1). On SIGTERM it finishes what it serves, then says so: `drained`.
// healthy=FILE: answers 503 while that file does not exist. slow=MS: / takes that long.
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { given } from './arguments.mjs';

const port = Number(given.port ?? process.env.PORT);
const server = createServer((request, response) => {
  if (request.url === '/healthz') {
    const healthy = given.healthy === undefined || existsSync(given.healthy);
    response.writeHead(healthy ? 200 : 503).end(healthy ? 'ok\n' : 'not well\n');
    return;
  }
  setTimeout(() => response.end(`${process.pid}\n`), Number(given.slow ?? 0));
});
server.listen(port, given.host ?? '127.0.0.1', () => console.log(`listening on ${port}`));
process.on('SIGTERM', () => {
  console.log('draining');
  server.close(() => {
    console.log('drained');
    process.exit(0);
  });
  server.closeIdleConnections();
});
