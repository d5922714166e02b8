// `npm run soak`: kills the daemon at random moments under load, and looks whether a client or service noticed.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { counters, exitCodes, firstPids, inventory, leaks, pidsOf, remains } from './soak/checks.mjs';
import { doubles, processesWith } from './soak/eyes.mjs';
import { readOptions, seeded, USAGE } from './soak/options.mjs';
import { Reeve } from './soak/reeve.mjs';
import { makeLoad } from './soak/services.mjs';

/** Between a start of the daemon and its death (ms): from before it has the lock to well after it serves. */
const LIFE = 1500;
/** Between two looks for second copies (ms). */
const LOOK = 40;
/** Violations that are printed. */
const SHOWN = 20;

let options;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${error.message}\n${USAGE}`);
  process.exit(2);
}
const chance = seeded(options.seed);
const base = realpathSync(mkdtempSync(path.join(tmpdir(), 'soak-')));
const reeve = new Reeve(base);
const { known, config } = makeLoad(options.services, base);
const violations = [];
const twice = new Set();
const tally = { kills: 0, keeperKills: 0, upgrades: 0, away: 0, lines: 0, exits: 0, looks: 0 };
const over = new AbortController();
const began = performance.now();
console.log(`soak: seed ${options.seed}, ${options.services} services, in ${base}`);

try {
  await soak();
} catch (error) {
  violations.push(`the soak broke down: ${error.stack}`);
}
over.abort();
await endAll();
report();

async function soak() {
  reeve.configure(config);
  const up = await reeve.run(['up', '-d', '--timeout', '90s', '--no-wait']);
  if (up.code !== 0) throw new Error(`up ended with ${up.code}\n${up.stdout}${up.stderr}`);
  await untilUp();
  const first = await pidsOf(reeve);
  const before = inventory(reeve);
  const watching = watch();
  await torment();
  await settle();
  over.abort();
  await watching;
  violations.push(...(await firstPids(reeve, known, first)));
  violations.push(...leaks(before, inventory(reeve), options.services));
  violations.push(...(await exitCodes(reeve, known, tally, { mayBeUnobserved: options.keeper })));
  violations.push(...(await counters(reeve, known, tally)));
}

/** All but the crashing ones are running. */
async function untilUp() {
  const wanted = [...known].filter(([, { kind }]) => kind !== 'crash').map(([name]) => name);
  for (const end = performance.now() + 90_000; ; await pause(200)) {
    const { services } = await reeve.json(['ps']);
    const missing = services.filter(({ name, state }) => wanted.includes(name) && state !== 'running');
    if (missing.length === 0) return;
    if (performance.now() > end) throw new Error(`not up: ${missing.map(({ name }) => name).join(', ')}`);
  }
}

async function torment() {
  const until = began + options.minutes * 60_000;
  const every = options.upgrades > 0 ? Math.max(1, Math.floor(Math.min(options.kills, 1e6) / options.upgrades)) : 0;
  while (tally.kills + tally.keeperKills < options.kills && performance.now() < until) {
    const work = disturb();
    await pause(chance() * LIFE);
    const isKeepers = options.keeper && chance() < 0.1;
    if (isKeepers) killKeeper();
    else killDaemon();
    await work;
    const start = await reeve.run(['daemon', 'start']);
    if (start.code !== 0) violations.push(`daemon start ended with ${start.code}: ${start.stderr.trim()}`);
    if (every > 0 && (tally.kills + tally.keeperKills) % every === 0 && tally.upgrades < options.upgrades)
      await upgrade();
    if (tally.kills % 20 === 0) console.log(`  ${tally.kills} kills, ${seconds()} s, ${violations.length} violations`);
  }
  while (tally.upgrades < options.upgrades && performance.now() < until) await upgrade();
}

/** What a user may be doing while the daemon dies. Its answer does not matter: it may well be cut off. */
function disturb() {
  const moved = [...known].filter(([, { kind }]) => kind === 'moved').map(([name]) => name);
  const name = moved[Math.floor(chance() * moved.length)];
  const what = Math.floor(chance() * 6);
  if (name === undefined || what >= 4) return Promise.resolve();
  const args = [['restart', name, '--no-wait'], ['stop', name], ['start', name, '--no-wait'], ['ps']][what];
  return reeve.run(args);
}

function killDaemon() {
  const pid = reeve.daemonPid();
  if (pid === null) return;
  process.kill(pid, 'SIGKILL');
  tally.kills += 1;
}

function killKeeper() {
  const keeper = processesWith(reeve.home).find(({ command }) => command.includes('keeper.js'));
  if (!keeper) return;
  process.kill(keeper.pid, 'SIGKILL');
  tally.keeperKills += 1;
}

/** The other build takes over while all continues. */
async function upgrade() {
  reeve.which = 1 - reeve.which;
  const { code, stdout, stderr } = await reeve.run(['daemon', 'upgrade', '--json']);
  if (code !== 0) {
    violations.push(`daemon upgrade ended with ${code}: ${stderr.trim()}`);
    return;
  }
  const { upgraded, away_ms: away } = JSON.parse(stdout);
  if (!upgraded) violations.push('daemon upgrade: nothing to do, though the build is another');
  if (away >= 1000) violations.push(`daemon upgrade: no daemon answered for ${away} ms`);
  tally.upgrades += 1;
  tally.away = Math.max(tally.away, away);
}

async function watch() {
  while (!over.signal.aborted) {
    for (const found of doubles(known, base)) {
      if (!twice.has(found)) violations.push(`twice: ${found} (after ${seconds()} s)`);
      twice.add(found);
    }
    tally.looks += 1;
    await pause(LOOK);
  }
}

/** What was moved about is started again; what the services have just said is in the logs. */
async function settle() {
  const start = await reeve.run(['up', '-d', '--no-wait']);
  if (start.code !== 0) violations.push(`the last up ended with ${start.code}: ${start.stderr.trim()}`);
  await untilUp();
  await pause(1500);
}

async function endAll() {
  const stop = await reeve.run(['daemon', 'stop', '--with-services']);
  if (stop.code !== 0) violations.push(`the stop ended with ${stop.code}: ${stop.stdout}${stop.stderr}`);
  violations.push(...remains(reeve));
  for (const { pid } of processesWith(base)) if (pid !== process.pid) process.kill(pid, 'SIGKILL');
}

function seconds() {
  return Math.round((performance.now() - began) / 1000);
}

function report() {
  for (const violation of violations.slice(0, SHOWN)) console.log(`VIOLATION ${violation}`);
  const did = `${tally.kills} kills of the daemon, ${tally.keeperKills} of the keeper, ${tally.upgrades} upgrades (away at most ${tally.away} ms)`;
  const saw = `${tally.lines} lines, ${tally.exits} exits, ${tally.looks} looks for second copies`;
  console.log(
    `soak: ${did}; ${options.services} services, ${saw}, ${seconds()} s, seed ${options.seed}: ${violations.length} violations`,
  );
  if (violations.length === 0) rmSync(base, { recursive: true, force: true });
  else console.log(`kept for a look: ${base}`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
