// The page for people: serves web/ and hands /api/… on to the API.
import { createReadStream } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { pipeline } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { log } from './log.js';
import { onStop } from './stop.js';

const port = Number(process.env.PORT ?? 8081);
const api = new URL(process.env.API_URL ?? 'http://127.0.0.1:8082');

const pages = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/editor.css': ['editor.css', 'text/css; charset=utf-8'],
  '/editor.js': ['editor.js', 'text/javascript; charset=utf-8'],
};

const server = createServer((request, response) => {
  const page = pages[request.url];
  if (request.url === '/healthz') response.end('ok\n');
  else if (request.url.startsWith('/api/')) handOn(request, response);
  else if (request.method === 'GET' && page !== undefined) sendPage(response, page);
  else response.writeHead(404, { 'content-type': 'text/plain' }).end('there is no such page\n');
});

function sendPage(response, [file, type]) {
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache' });
  pipeline(createReadStream(fileURLToPath(new URL(`../web/${file}`, import.meta.url))), response, (error) => {
    if (error) log('error', 'could not send a page', { file, error: error.message });
  });
}

function handOn(request, response) {
  // Only the path is the browser's to choose, never the host.
  const path = request.url.slice('/api'.length);
  // The API closes each connection; Node's own headers for it replace the browser's.
  const { host: _host, connection: _connection, ...headers } = request.headers;
  const onward = httpRequest(api, { path, method: request.method, headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode, { 'content-type': answer.headers['content-type'] });
    pipeline(answer, response, () => {});
    if (request.method !== 'GET') log('info', 'handed on', { method: request.method, path, status: answer.statusCode });
  });
  onward.on('error', (error) => {
    log('error', 'the API does not answer', { error: error.message });
    if (!response.headersSent) response.writeHead(502, { 'content-type': 'application/json' });
    response.end('{"error":"the API does not answer"}\n');
  });
  pipeline(request, onward, () => {});
}

server.listen(port, '127.0.0.1', () => log('info', 'listening', { port, page: `http://127.0.0.1:${port}/` }));

onStop(
  () =>
    new Promise((resolve) => {
      // No new connections; what is being answered is finished; browsers that only keep a connection are let go.
      server.close(resolve);
      server.closeIdleConnections();
    }),
);
