// A PostgreSQL that needs no installation: PGlite runs the real engine in this process and speaks its protocol on a port.
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { log } from './log.js';
import { onStop } from './stop.js';

const folder = fileURLToPath(new URL('../data/postgres', import.meta.url));
const port = Number(process.env.PORT ?? 5543);

await mkdir(folder, { recursive: true });
const db = await PGlite.create(folder);

// There is one engine behind all connections: queries take turns, and an open transaction makes the others wait. So
// clients keep transactions short and use no session state (no SET, no named statements, no temporary tables).
const server = new PGLiteSocketServer({ db, port, host: '127.0.0.1', maxConnections: 20 });
await server.start();
log('info', 'listening', { port, folder });

onStop(async () => {
  await server.stop();
  await db.close();
});
