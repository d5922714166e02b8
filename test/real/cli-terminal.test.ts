import { spawn } from 'node:child_process';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { startReeve, type TestReeve } from '../harness/reeve.ts';

const bin = path.resolve(import.meta.dirname, '../../packages/reeve/bin/reeve.js');

/** What a command writes to a terminal of that width: `script` makes one. */
function onTerminal(reeve: TestReeve, line: string, env: Readonly<Record<string, string>>): Promise<string> {
  const { NO_COLOR: _colour, FORCE_COLOR: _force, ...own } = process.env;
  const child = spawn('script', ['-qec', `${process.execPath} ${bin} ${line}`, '/dev/null'], {
    cwd: reeve.folder,
    env: { ...own, REEVE_HOME: reeve.home, LANG: 'C.UTF-8', TERM: 'xterm', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  return new Promise((resolve, reject) => child.once('error', reject).once('close', () => resolve(text)));
}

describe('on a terminal', () => {
  test('LG6: what a service writes cannot move the cursor, clear the screen or set the title', async () => {
    await using reeve = startReeve();
    const hostile =
      "process.stdout.write('be\\u001b[2Jgin\\u001b]0;owned\\u0007 \\rend\\u009b1A\\n');setInterval(()=>{},1e9)";
    reeve.project({
      services: { a: { command: ['node', '-e', hostile, `mark=${path.dirname(reeve.home)}`], ready: { log: 'end' } } },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    for (const line of ['logs a', 'status a', 'why a']) {
      const text = await onTerminal(reeve, line, { NO_COLOR: '1' });
      expect(text, line).toContain('end');
      expect(text.replaceAll('\r\n', '\n'), line).not.toMatch(/[\u001b\u0007\u009b\r]/);
    }
    expect((await reeve.run(['logs', 'a', '--raw'])).stdout).toContain('\u001b[2J');
  });

  test('there are colours, but not with NO_COLOR, --color never or TERM=dumb, and never in a pipe', async () => {
    await using reeve = startReeve();
    reeve.project({ services: { a: { command: [...reeve.program('stays')] } } });
    expect(await onTerminal(reeve, 'ps', {})).toContain('\u001b[');
    expect(await onTerminal(reeve, 'ps', { NO_COLOR: '1' })).not.toContain('\u001b[');
    expect(await onTerminal(reeve, 'ps', { TERM: 'dumb' })).not.toContain('\u001b[');
    expect(await onTerminal(reeve, 'ps --color never', {})).not.toContain('\u001b[');
    expect((await reeve.run(['ps'], { env: { NO_COLOR: undefined } })).stdout).not.toContain('\u001b[');
  });

  test('without UTF-8 only ASCII is written, and a table fits the width of the terminal', async () => {
    await using reeve = startReeve();
    const name = 'web';
    reeve.project({ services: { [name]: { description: 'y'.repeat(200), command: [...reeve.program('stays')] } } });
    const ascii = await onTerminal(reeve, 'ps --wide', { LANG: 'C', LC_ALL: 'C', NO_COLOR: '1' });
    expect(ascii).toMatch(/^[\n\r\t -~]*$/);
    const narrow = await onTerminal(reeve, 'ps --wide', { COLUMNS: '100', NO_COLOR: '1' });
    const widths = narrow
      .split(/\r?\n/)
      .slice(1)
      .map((line) => line.length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(100);
  });
});
