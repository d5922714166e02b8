import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../root.mjs';
import { commandOf } from './eyes.mjs';

/** The built command, in a home of the soak's own. `which`: 0 the build itself, 1 a second one with another fingerprint. */
export class Reeve {
  constructor(base) {
    this.base = base;
    this.home = path.join(base, 'home');
    this.folder = path.join(base, 'project');
    this.bins = [copyOf(base, 'one', false), copyOf(base, 'two', true)];
    this.which = 0;
    mkdirSync(this.home, { mode: 0o700 });
    mkdirSync(this.folder);
  }

  configure(config) {
    writeFileSync(path.join(this.folder, 'reeve.yaml'), JSON.stringify(config, null, 2));
  }

  /** Runs a command to its end: `{ code, stdout, stderr }`. Never rejects; a command that hangs is killed: code -1. */
  run(args, { bin = this.bins[this.which], limit = 120_000 } = {}) {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [bin, ...args], {
        cwd: this.folder,
        env: { ...process.env, REEVE_HOME: this.home, REEVE_PORT: '0', NO_COLOR: '1' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const said = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'])
        child[name].setEncoding('utf8').on('data', (text) => {
          said[name] += text;
        });
      const timer = setTimeout(() => child.kill('SIGKILL'), limit);
      child.once('close', (code) => {
        clearTimeout(timer);
        resolve({ code: code ?? -1, ...said });
      });
    });
  }

  async json(args) {
    const { code, stdout, stderr } = await this.run([...args, '--json']);
    if (code !== 0) throw new Error(`reeve ${args.join(' ')} ended with ${code}\n${stderr}`);
    return JSON.parse(stdout);
  }

  async lines(args) {
    const { stdout } = await this.run([...args, '--json']);
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  /** Pid of the daemon that holds the home's lock now; null: none. */
  daemonPid() {
    return this.#holder(path.join(this.home, 'run/daemon.lock'), 'reeved.js');
  }

  #holder(lock, program) {
    let pid = 0;
    try {
      pid = Number.parseInt(readFileSync(lock, 'utf8'), 10);
    } catch {
      return null;
    }
    return pid > 1 && commandOf(pid).includes(program) ? pid : null;
  }
}

/** A copy of the built package, so that the next build does not reach this soak. */
function copyOf(base, name, isOther) {
  const folder = path.join(base, name, 'reeve');
  for (const part of ['bin', 'dist', 'package.json'])
    cpSync(path.join(root, 'packages/reeve', part), path.join(folder, part), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(base, name, 'node_modules'));
  if (isOther)
    for (const program of ['reeved.js', 'keeper.js'])
      writeFileSync(path.join(folder, 'dist', program), '\n// another build\n', { flag: 'a' });
  return path.join(folder, 'bin/reeve.js');
}
