// A daemon that starts what others ask it to, as a container runtime or a terminal multiplexer does, and who asks it.
// mode=serve socket=…: serves, and says `open`. mode=ask socket=… file=…: asks for `sleep 1000`, writes its pid into the
// file, says `asked`, and stays; env=keep: with the environment of the asker. mode=end socket=…: asks to end them all.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';

const given = Object.fromEntries(process.argv.slice(2).map((word) => word.split(/=(.*)/s)));
const spawned = [];

/** Leaves the other direction open. */
async function all(socket) {
  let text = '';
  socket.on('data', (chunk) => (text += chunk));
  await once(socket, 'end');
  return text;
}

async function serve(client) {
  const wish = JSON.parse(await all(client));
  if (wish.end) {
    for (const child of spawned) child.kill('SIGKILL');
    return client.end('ended');
  }
  const child = spawn('sleep', ['1000'], { env: wish.env ?? process.env, detached: true, stdio: 'ignore', cwd: '/' });
  spawned.push(child);
  client.end(String(child.pid));
}

async function ask(wish) {
  const client = connect(given.socket);
  await once(client, 'connect');
  client.end(JSON.stringify(wish));
  return all(client);
}

if (given.mode === 'serve') {
  createServer({ allowHalfOpen: true }, serve).listen(given.socket, () => console.log('open'));
} else if (given.mode === 'end') {
  await ask({ end: true });
} else {
  const pid = await ask({ env: given.env === 'keep' ? process.env : null });
  writeFileSync(`${given.file}.new`, pid);
  renameSync(`${given.file}.new`, given.file);
  console.log('asked');
  setInterval(() => {}, 1000);
}
