import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Interrupt, Io, Output } from './io.ts';
import { run } from './main.ts';

/** The program: dist/cli.js, started by bin/reeve.js. The daemon lies beside it. */
const daemon = new URL('./reeved.js', import.meta.url);

function outputOf(stream: NodeJS.WriteStream): Output {
  // Whoever read our output has gone (`reeve logs | head`): there is nothing left to do, and nothing went wrong.
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  return {
    isTTY: stream.isTTY,
    get columns() {
      return stream.columns;
    },
    write: (text) => void stream.write(text),
    drained: async (signal) => {
      if (!stream.writableNeedDrain || signal?.aborted) return;
      await once(stream, 'drain', signal && { signal }).catch(() => {}); // aborted: whoever asked looks at the signal
    },
  };
}

const io: Io = {
  out: outputOf(process.stdout),
  err: outputOf(process.stderr),
  env: process.env,
  cwd: process.cwd(),
  daemon: [process.execPath, fileURLToPath(daemon)],
  becomeDaemon: async (home) => {
    process.env['REEVE_HOME'] = home;
    // It ends this process itself, when it ends.
    await import(daemon.href);
    return 0;
  },
  onInterrupt: (signals, heard) => {
    const listeners = signals.map((signal): [Interrupt, () => void] => [signal, () => heard(signal)]);
    for (const [signal, listener] of listeners) process.on(signal, listener);
    return () => {
      for (const [signal, listener] of listeners) process.off(signal, listener);
    };
  },
};

const code = await run(process.argv.slice(2), io);
// An empty write calls back when everything before it is out; then nothing that is still open may keep us.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
