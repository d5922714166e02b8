// What a program can ask of the library for Node, one call a line on stdin: {"call": "endpoint", "args": ["db"]}; one
// that is not a function of the library is the process manager's. Answers each with a line: {"ok": …} or {"error": {code,
// exit, message}}. manager-python.py takes the same words: names as in Node, times in milliseconds.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import * as library from '@reeve/sdk';

const sdk = { ...library };
const say = (...words) => console.log(...words);
const forever = () => new Promise((resolve) => setTimeout(resolve, 600_000).unref());

let service = null;
const calls = {
  async open({ name }) {
    class Own extends sdk.ManagedService {
      constructor() {
        super(name);
      }
      run() {
        return this.untilStopped();
      }
    }
    service = await Own.open();
    await service.ready();
    return process.pid;
  },
  close: () => service.close(),
  register: (data) => service.register(data),
  dependency: (name, options) => service.dependency(name, options),
  endpoint: (name) => service.endpoint(name),
  enforceSingleInstance: (name, { takesSecond = false } = {}) =>
    sdk.getProcessManager().enforceSingleInstance(name, {
      ...(takesSecond ? { onSecondInstance: (argv, cwd) => say('second', JSON.stringify({ argv, cwd })) } : {}),
    }),
  killPattern: ({ source, flags }, options) => sdk.killPattern(new RegExp(source, flags), options),
  addShutdownHandler(kind, options) {
    sdk.getProcessManager().addShutdownHandler(async () => {
      say('handler', kind);
      if (kind === 'throws') throw new Error('no such file');
      if (kind === 'hangs') await forever();
    }, options);
    return null;
  },
  registerShutdownHandlers() {
    sdk.getProcessManager().registerShutdownHandlers();
    return null;
  },
  /** A port of this very program. */
  listen: () =>
    new Promise((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => resolve(server.address().port));
    }),
  /** A child, whose output is ours. Returns its pid. */
  start: ([file, ...args]) => spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'] }).pid,
  exit: (code) => process.exit(code),
};

async function answer({ call, args }) {
  if (call in calls) return calls[call](...args);
  const manager = sdk.getProcessManager();
  return call in sdk ? sdk[call](...args) : manager[call](...args);
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  try {
    say(JSON.stringify({ ok: (await answer(JSON.parse(line))) ?? null }));
  } catch (error) {
    if (!(error instanceof sdk.ReeveError)) throw error;
    say(JSON.stringify({ error: { code: error.code, exit: error.exit, message: error.message } }));
  }
});
say('open', process.pid);
