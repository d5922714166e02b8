// How fast the keeper copies output, beside a plain synchronous Node loop that does nothing else:
//   node bench/log-copy.mjs [GB=2] [SECONDS=10]
// 1. one service at full speed: MB/s, CPU seconds of the copier per GB, growth of its peak memory;
// 2. fifty services with 1,000 lines of 100 bytes a second each: CPU of the copier in % of one core.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';

const root = path.resolve(import.meta.dirname, '..');
const bytes = Math.round(Number(process.argv[2] ?? 2) * 1e9);
const seconds = Number(process.argv[3] ?? 10);
const home = mkdtempSync(path.join(tmpdir(), 'reeve-bench-'));
const line = '0123456789'.repeat(10).slice(0, 99);
const flood = `yes ${line} | head -c ${bytes}`;
const TICKS_PER_SECOND = 100;

const plainLoop = `
  const fs = require('node:fs');
  const [, fifo, file] = process.argv;
  const input = fs.openSync(fifo, 'r');
  const output = fs.openSync(file, 'a');
  const buffer = Buffer.allocUnsafeSlow(65536);
  for (let n; (n = fs.readSync(input, buffer)) > 0; ) fs.writeSync(output, buffer, 0, n);
  const { user, system } = process.cpuUsage();
  console.log((user + system) / 1e6);`;

/** CPU seconds (user and system) that a process has used. */
function cpu(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
const peak = (pid) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

async function runPlainLoop() {
  const fifo = path.join(home, 'fifo-plain');
  await once(spawn('mkfifo', [fifo]), 'exit');
  const began = performance.now();
  const loop = spawn(process.execPath, ['-e', plainLoop, fifo, path.join(home, 'plain.log')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const writer = spawn('sh', ['-c', `${flood} > ${fifo}`]);
  const [used] = await once(createInterface(loop.stdout), 'line');
  await Promise.all([writer.exitCode ?? once(writer, 'exit'), loop.exitCode ?? once(loop, 'exit')]);
  const took = (performance.now() - began) / 1000;
  rmSync(path.join(home, 'plain.log'));
  return { rate: bytes / 1e6 / took, cost: Number(used) / (bytes / 1e9) };
}

async function startKeeper() {
  const bundle = path.join(home, 'bundle', 'keeper.mjs');
  await build({
    entryPoints: [path.join(root, 'packages/reeve/src/keeper/main.ts')],
    outfile: bundle,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['koffi'],
    conditions: ['reeve-source'],
  });
  symlinkSync(path.join(root, 'node_modules'), path.join(home, 'bundle', 'node_modules'));
  const env = { ...process.env, REEVE_READY_FD: '3' };
  const keeper = spawn(process.execPath, [bundle, home], { stdio: ['ignore', 'inherit', 'inherit', 'pipe'], env });
  await once(keeper.stdio[3], 'data');
  const socket = connect(path.join(home, 'run', 'keeper.sock'));
  const endings = new Map();
  createInterface(socket).on('line', (text) => {
    const { record, error } = JSON.parse(text);
    if (error) throw new Error(error.message);
    if (record?.kind === 'exited') endings.get(record.run)?.();
  });
  let id = 0;
  const ask = (request) => socket.write(`${JSON.stringify({ id: ++id, ...request })}\n`);
  ask({ do: 'hello', protocol: 1, since: 0 });
  return {
    pid: keeper.pid,
    ask,
    ended: (run) => new Promise((resolve) => endings.set(run, resolve)),
    stop: () => keeper.kill('SIGKILL'),
  };
}

function service(run, id, argv) {
  const rotation = { max_size: 10 * 2 ** 20, max_files: 5, max_age: null, compress: true };
  const logs = { folder: path.join(home, 'logs', id), rotation };
  return {
    run,
    id,
    argv,
    cwd: home,
    env: { PATH: process.env.PATH },
    user: null,
    umask: null,
    nice: null,
    limits: {},
    cgroup: null,
    logs,
    mark: null,
  };
}

async function runKeeperFlood(keeper, run) {
  const [used, memory, began] = [cpu(keeper.pid), peak(keeper.pid), performance.now()];
  const ended = keeper.ended(run);
  keeper.ask({ do: 'spawn', spawn: service(run, '0'.repeat(12), ['sh', '-c', flood]) });
  await ended;
  const took = (performance.now() - began) / 1000;
  return {
    rate: bytes / 1e6 / took,
    cost: (cpu(keeper.pid) - used) / (bytes / 1e9),
    memory: peak(keeper.pid) - memory,
  };
}

async function runKeeperFifty(keeper) {
  const lines = seconds * 1000;
  const script = `use Time::HiRes 'sleep','time'; $|=1; my $t=time; for my $n (1..${lines / 10}) { my $w=$t+$n/100-time; sleep $w if $w>0; syswrite STDOUT, sprintf("%099d\\n", 0) x 10; }`;
  const names = Array.from({ length: 50 }, (_, n) => `fifty-${n}`);
  const ended = names.map((name) => keeper.ended(name));
  const ids = names.map((_, n) => (n + 1).toString(16).padStart(12, 'f'));
  for (const [n, name] of names.entries())
    keeper.ask({ do: 'spawn', spawn: service(name, ids[n], ['perl', '-e', script]) });
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const used = cpu(keeper.pid);
  const span = Math.max(1, seconds - 4);
  await new Promise((resolve) => setTimeout(resolve, span * 1000));
  const percent = ((cpu(keeper.pid) - used) / span) * 100;
  await Promise.all(ended);
  const written = ids.reduce((sum, id) => sum + sizeOf(path.join(home, 'logs', id)), 0);
  return { percent, lost: 50 * lines - written / 100 };
}

function sizeOf(folder) {
  const logs = readdirSync(folder).filter((name) => name.endsWith('.log'));
  return logs.reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0);
}

const round = (value, digits = 2) => Number(value.toFixed(digits));
const keeper = await startKeeper();
try {
  const fifty = await runKeeperFifty(keeper);
  console.log(`50 × 1,000 lines/s   keeper ${round(fifty.percent, 1)} % of one core, ${fifty.lost} lines lost`);
  for (let n = 0; n < 3; n += 1) {
    const plain = await runPlainLoop();
    const ours = await runKeeperFlood(keeper, `flood-${n}`);
    console.log(
      `flood  plain loop ${round(plain.rate, 0)} MB/s ${round(plain.cost)} s/GB   keeper ${round(ours.rate, 0)} MB/s ${round(ours.cost)} s/GB` +
        `   ratio ${round(ours.rate / plain.rate)}   peak memory +${round(ours.memory, 1)} MB`,
    );
  }
} finally {
  keeper.stop();
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}
