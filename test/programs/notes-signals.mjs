// Says when each SIGTERM, SIGINT, SIGHUP came: `SIGTERM at <ms since epoch>`. ends=yes: and ends with it.
// child=yes: starts a copy of itself first, which says `child SIGTERM at …` and ends; name= is what it calls itself.
import { spawn } from 'node:child_process';
import { given, stay } from './arguments.mjs';

const name = given.name ? `${given.name} ` : '';
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
  process.on(signal, () => {
    console.log(`${name}${signal} at ${Date.now()}`);
    if (given.ends === 'yes') process.exit(0);
  });
}
if (given.child === 'yes') {
  const args = [process.argv[1], 'name=child', 'ends=yes', `mark=${given.mark}`];
  spawn(process.execPath, args, { stdio: 'inherit' });
}
console.log(`${name}ready`);
stay();
