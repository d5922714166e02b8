import { fileURLToPath } from 'node:url';
import { workingFolder } from '@reeve/host';
import type { Interrupt, Io } from './io.ts';
import { run } from './main.ts';
import { codeOfLoss, StandardOutput } from './output.ts';

/** The program: dist/cli.js, started by bin/reeve.js. The daemon lies beside it. */
const daemon = fileURLToPath(new URL('./reeved.js', import.meta.url));

const [out, err] = [new StandardOutput(process.stdout), new StandardOutput(process.stderr)];

const io: Io = {
  out,
  err,
  env: process.env,
  cwd: workingFolder(),
  daemon: [process.execPath, daemon],
  becomeDaemon: async (home) => {
    process.env['REEVE_HOME'] = home;
    await import(daemon);
    return new Promise(() => {}); // the daemon ends this process itself, when it ends
  },
  onInterrupt: (signals, heard) => {
    const listeners = signals.map((signal): [Interrupt, () => void] => [signal, () => heard(signal)]);
    for (const [signal, listener] of listeners) process.on(signal, listener);
    return () => {
      for (const [signal, listener] of listeners) process.off(signal, listener);
    };
  },
};

async function main(): Promise<never> {
  const code = await run(process.argv.slice(2), io);
  await out.flushed();
  if (out.failure !== null && out.failure.code !== 'EPIPE')
    err.write(`✗ the result could not be written: ${out.failure.message}\n`);
  await err.flushed();
  // Nothing that is still open may keep us.
  process.exit(codeOfLoss(code, out.failure));
}

void main();
