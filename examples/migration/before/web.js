// The shop's page. Started with `node web.js &`, stopped with `kill $(cat web.pid)`.
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const port = Number(process.env.PORT ?? 8080);
const server = createServer((_request, response) => response.end('welcome\n'));

server.listen(port, '127.0.0.1', () => {
  writeFileSync('web.pid', String(process.pid)); // after a crash it names nobody, or somebody else
  console.log(`listening on ${port}`);
});

process.on('SIGTERM', () => server.close(() => process.exit(0)));
