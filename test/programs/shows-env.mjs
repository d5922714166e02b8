// Prints its environment, folder and user as one JSON line, then stays; with then=exit it ends.
import { given, stay } from './arguments.mjs';

const who = { uid: process.getuid(), gid: process.getgid(), groups: process.getgroups() };
console.log(JSON.stringify({ env: process.env, cwd: process.cwd(), argv: process.argv.slice(2), ...who }));
if (given.then !== 'exit') stay();
