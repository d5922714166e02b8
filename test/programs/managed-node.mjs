// A service that speaks the control socket, in Node. Its only argument is JSON: service, data, ready, takes_second,
// announce (start, cleanup: a command, or { method: 'done' | 'throws' | 'hangs' }), stops (names of onStop handlers,
// in the order they are added; `throws`, `hangs` and `awaits` do). Prints `open PID`, `refused {…}`, `error CODE`, `stop NAME`.
import { AlreadyRunning, ManagedService, ReeveError } from '@reeve/sdk';

const wish = JSON.parse(process.argv[2]);
const say = (...words) => console.log(...words);
const forever = () => new Promise((resolve) => setTimeout(resolve, 600_000).unref());

const method = (kind) => async () => {
  say('method', kind);
  if (kind === 'throws') throw new Error('no such table');
  if (kind === 'hangs') await forever();
};
const action = (given) => (typeof given?.method === 'string' ? method(given.method) : given);

class Speaker extends ManagedService {
  constructor() {
    super(wish.service ?? 'web-editor');
    if (wish.takes_second) this.onSecondInstance((argv, cwd) => say('second', JSON.stringify({ argv, cwd })));
  }
  async run() {
    if (wish.data) this.register(wish.data);
    if (wish.announce) {
      const { start, cleanup, cleanup_timeout, ...rest } = wish.announce;
      const actions = { start: action(start), cleanup: action(cleanup), cleanupTimeout: cleanup_timeout ?? 5000 };
      this.announceProcessManagement({ ...rest, ...actions });
    }
    for (const name of wish.stops ?? []) this.onStop(stop(name), { timeout: 300 });
    if (wish.ready ?? true) await this.ready();
    say('open', process.pid);
    await this.untilStopped();
  }
}

const stop = (name) => async () => {
  say('stop', name);
  if (name === 'throws') throw new Error('no such file');
  if (name === 'hangs') await forever();
  if (name === 'awaits') {
    await new Promise((resolve) => setTimeout(resolve, 1));
    say('awaited', name);
  }
};

let service = null;
try {
  service = await Speaker.open();
  await service.run();
} catch (error) {
  if (!(error instanceof ReeveError)) throw error;
  if (error instanceof AlreadyRunning) {
    say('refused', JSON.stringify({ pid: error.pid, handed_over: error.handedOver }));
    process.exitCode = error.handedOver ? 0 : error.exit;
  } else {
    say('error', error.code);
    process.exitCode = error.exit;
  }
} finally {
  await service?.close();
}
