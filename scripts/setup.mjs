// What a fresh clone needs before anything can be built or tested. Plain Node: nothing is installed yet.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './root.mjs';
import { run } from './run.mjs';

const oldestNode = [20, 19];

/** Debian packages, and how to see that one is there. */
const debianPackages = {
  python3: () => onPath('python3'),
  postgresql: () => postgresVersions().length > 0,
  'redis-server': () => onPath('redis-server'),
  nginx: () => onPath('nginx'),
  strace: () => onPath('strace'),
  systemd: () => onPath('systemd-analyze'),
  gcc: () => onPath('cc'),
  'libc6-dev': () => existsSync('/usr/include/time.h'),
};

/**
 * Ensures Node, the npm packages and the given Debian packages. Throws an error that says what to do; only Debian
 * packages that an ordinary user cannot install are let go, and returned by name. With CI=true nothing is let go.
 */
export async function setUp({ debian = [] } = {}) {
  refuseOldNode();
  if (!npmPackagesAreCurrent()) await npm('ci', 'installing npm packages (npm ci)');
  // A checkout that was installed before the command existed lacks its link.
  if (!existsSync(`${root}/node_modules/.bin/reeve`)) await npm('rebuild', 'linking the commands (npm rebuild)');
  return await ensureDebian(debian);
}

function refuseOldNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  throw new Error(`reeve needs Node ${oldestNode.join('.')} or newer; this is ${process.versions.node}`);
}

/** npm writes node_modules/.package-lock.json last: when it names what package-lock.json names, all is there. */
function npmPackagesAreCurrent() {
  const installed = `${root}/node_modules/.package-lock.json`;
  if (!existsSync(installed)) return false;
  const wanted = JSON.parse(readFileSync(`${root}/package-lock.json`, 'utf8')).packages;
  const there = JSON.parse(readFileSync(installed, 'utf8')).packages;
  return Object.entries(wanted)
    .filter(([place]) => place.startsWith('node_modules/'))
    .every(([place, entry]) => {
      const found = there[place];
      // Binaries for other machines are in the lockfile but not on the disk.
      if (found === undefined) return entry.optional === true;
      return found.version === entry.version && found.resolved === entry.resolved;
    });
}

async function npm(command, why) {
  console.log(why);
  const { code } = await run('npm', [command], { show: true });
  if (code !== 0) throw new Error(`npm ${command} failed (its words are above); fix that and run this again`);
}

async function ensureDebian(names) {
  const missing = names.filter((name) => !debianPackages[name]());
  if (missing.length === 0) return [];
  if (canInstall()) {
    await install(missing);
    return [];
  }
  const advice = `install them as root: apt-get install ${missing.join(' ')}`;
  if (process.env.CI === 'true') throw new Error(`missing: ${missing.join(', ')}; ${advice}`);
  console.log(`missing: ${missing.join(', ')}; what needs them is skipped. To have it, ${advice}`);
  return missing;
}

function canInstall() {
  return process.getuid?.() === 0 && onPath('apt-get');
}

async function install(names) {
  console.log(`installing Debian packages: ${names.join(' ')}`);
  const first = await aptInstall(names);
  if (first.code === 0) return;
  const update = await run('apt-get', ['update']);
  const second = await aptInstall(names);
  if (second.code !== 0) throw new Error(`apt-get could not install them:\n${update.output}\n${second.output}`);
}

async function aptInstall(names) {
  const allowServices = forbidServices();
  try {
    const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    const result = await run('apt-get', ['install', '-y', '--no-install-recommends', ...names], { env });
    // Where systemd runs, the packages also asked to be started at the next boot: a test must not cause that.
    if (existsSync('/run/systemd/system')) await run('systemctl', ['disable', 'postgresql', 'redis-server', 'nginx']);
    return result;
  } finally {
    allowServices();
  }
}

/** Debian starts the services it installs, unless this file says no. Returns what takes it away again. */
function forbidServices() {
  const file = '/usr/sbin/policy-rc.d';
  if (existsSync(file)) return () => {};
  writeFileSync(file, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const remove = () => rmSync(file, { force: true });
  const stop = () => {
    remove();
    process.exit(130);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop).once('exit', remove);
  return () => {
    remove();
    process.off('SIGINT', stop).off('SIGTERM', stop).off('exit', remove);
  };
}

function onPath(program) {
  // An ordinary user's PATH lacks the folders where Debian puts servers.
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(path.join(folder, program)));
}

function postgresVersions() {
  const folder = '/usr/lib/postgresql';
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((version) => existsSync(`${folder}/${version}/bin/postgres`));
}
