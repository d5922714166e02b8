// `npm start`: sets up, builds, and runs examples/tournament until Ctrl-C (or SIGTERM), in a home inside the checkout.
import { spawn } from 'node:child_process';
import { build } from './build.mjs';
import { root } from './root.mjs';
import { setUp } from './setup.mjs';

const home = `${root}/.reeve`;
const project = `${root}/examples/tournament`;

/** Set by the first signal; later ones change nothing. */
let stopAsked = false;
/** The reeve command that runs now. */
let current = null;

function askStop() {
  if (stopAsked) return;
  stopAsked = true;
  current?.kill('SIGTERM');
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, askStop);
// The reader of our output may go away (`npm start | head`, a closed terminal): stopping cleanly matters more.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
stopWhenNpmIsGone();

// A first build takes some seconds: say so.
console.log('building reeve ...');
try {
  await setUp({ debian: ['python3'] });
  await build({ codeCache: true });
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
process.exitCode = await main();
// The look-out for npm must not keep the program alive.
process.exit();

async function main() {
  if (stopAsked) return 0;
  console.log(`home: ${home} (everything that reeve keeps for this run; your other projects are not touched)\n`);
  const up = await reeve('up', '-d', '--wait', '--timeout', '120s');
  if (up === 0 && !stopAsked) {
    await reeve('ps');
    if (stopAsked) return await finish(0, true);
    console.log(whatNext());
    // All of it is already running: this only attaches. On SIGTERM it stops the project and prints the receipt.
    const attached = await reeve('up', '--attach');
    // 130: it has stopped everything itself.
    return await finish(attached, attached !== 0 && attached !== 130);
  }
  return await finish(up, true);
}

/** Leaves nothing: stops what may still run, then the daemon. */
async function finish(code, mustStop = code !== 0) {
  const asked = stopAsked;
  current = null;
  const stopped = mustStop ? await reeve('stop') : 0;
  const ended = await reeve('daemon', 'stop');
  if (stopped !== 0 || ended !== 0) return stopped || ended;
  return asked ? 0 : code;
}

/**
 * Runs one reeve command to its end. It gets a process group of its own, so that a Ctrl-C, which the terminal sends to
 * the whole group, reaches it once, through us.
 */
function reeve(...args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [`${root}/packages/reeve/bin/reeve.js`, ...args], {
      cwd: project,
      env: { ...process.env, REEVE_HOME: home },
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    });
    current = child;
    child.once('error', (error) => {
      console.error(`cannot run reeve: ${error.message}`);
      resolve(1);
    });
    child.once('close', (code) => resolve(code ?? 1));
  });
}

function whatNext() {
  return `
The tournament runs: http://127.0.0.1:8081/

Try next, in another terminal:
  export REEVE_HOME=${home}
  cd ${project}
  npx reeve ps                     what runs
  npx reeve logs -f api worker     what two of them say
  npx reeve why worker             how it came to be as it is
  npx reeve restart api            and see in the log who noticed
  kill -9 PID                      one of those in ps; then: npx reeve events -n 10
`;
}

/** An npm that is killed hands nothing on (SIGKILL cannot be): then what we started would never be stopped. */
function stopWhenNpmIsGone() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && askStop(), 200).unref();
}
