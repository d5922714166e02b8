// What a service can ask of the library for Node, one call a line on stdin: {"call": "endpoint", "args": ["db"]}. Answers
// each with a line: {"ok": …} or {"error": {code, exit, message}}. Times are in milliseconds, so that
// test/contract-suites can speak with manager-python.py in the same words.
import { createInterface } from 'node:readline';
import { ManagedService, ReeveError } from '@reeve/sdk';

const say = (...words) => console.log(...words);

let service = null;
const calls = {
  async open({ name }) {
    class Own extends ManagedService {
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
  dependency: (name, options) => service.dependency(name, options),
  endpoint: (name) => service.endpoint(name),
};

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { call, args } = JSON.parse(line);
  try {
    say(JSON.stringify({ ok: await calls[call](...args) }));
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    say(JSON.stringify({ error: { code: error.code, exit: error.exit, message: error.message } }));
  }
});
say('open', process.pid);
