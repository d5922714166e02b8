import { spawn } from 'node:child_process';
import { root } from './root.mjs';

/**
 * Runs a program from the project's root without a terminal or input. Resolves with its exit code and everything it
 * printed; `show: true` prints it as it comes instead.
 */
export function run(command, args, { cwd = root, env = {}, show = false } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = show ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'];
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: code ?? 1, signal, output }));
  });
}

/** Runs a tool of node_modules/.bin; throws with its output when it fails. */
export async function tool(name, args, options) {
  const { code, output } = await run(`${root}/node_modules/.bin/${name}`, args, options);
  if (code !== 0) throw new Error(output.trim() || `${name} ended with ${code}`);
  return output;
}
