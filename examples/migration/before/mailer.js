// Sends what lies in outbox/, looking twice a second. Started with `nohup node mailer.js &`.
import { mkdir, readdir, rename } from 'node:fs/promises';

await mkdir('outbox', { recursive: true });
await mkdir('sent', { recursive: true });

setInterval(async () => {
  // When this takes longer than half a second, the next round begins beside it; and `kill` ends it in the middle.
  for (const name of await readdir('outbox')) {
    await rename(`outbox/${name}`, `sent/${name}`);
    console.log(`sent ${name}`);
  }
}, 500);
