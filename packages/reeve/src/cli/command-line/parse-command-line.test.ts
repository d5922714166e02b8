import { ReeveError } from '@reeve/contract';
import { expect, test } from 'vitest';
import { firstWords } from './command-list.ts';
import { parseCommandLine } from './parse-command-line.ts';
import { SAME, THEIRS } from './words-of-others.ts';

function parse(line: string) {
  const { command, positionals, verbatim, options } = parseCommandLine(line.split(' ').filter(Boolean));
  return { command, positionals, verbatim, options: Object.fromEntries(options) };
}
function refusal(line: string): { code: string; message: string; hint: string | null } {
  try {
    parse(line);
  } catch (error) {
    if (error instanceof ReeveError) return { code: error.code, message: error.message, hint: error.hint };
    throw error;
  }
  throw new Error(`${line} was not refused`);
}

test.each([
  ['up web -d --timeout 1m', { command: 'up', positionals: ['web'], options: { detach: true, timeout: '1m' } }],
  ['--json ps', { command: 'ps', options: { json: true } }],
  ['-C /tmp --home h ps --all', { command: 'ps', options: { directory: '/tmp', home: 'h', all: true } }],
  ['-n 5 logs api -f', { command: 'logs', positionals: ['api'], options: { lines: '5', follow: true } }],
  ['logs web --run -1', { command: 'logs', positionals: ['web'], options: { run: '-1' } }],
  ['logs -fn20', { command: 'logs', options: { follow: true, lines: '20' } }],
  ['wait api --for=stopped', { command: 'wait', positionals: ['api'], options: { for: 'stopped' } }],
  ['daemon --json status', { command: 'daemon status', options: { json: true } }],
  ['daemon logs -f', { command: 'daemon logs', options: { follow: true } }],
  ['stop -- web', { command: 'stop', positionals: ['web'] }],
  ['', { command: 'help' }],
  ['-V', { command: 'version', options: { version: true } }],
  ['daemon --help', { command: 'help', positionals: ['daemon'], options: { help: true } }],
])('options may stand anywhere: reeve %s', (line, expected) => {
  expect(parse(line)).toMatchObject(expected);
});

test.each([
  ['run npm test --json -f', [], ['npm', 'test', '--json', '-f'], {}],
  ['run --name x npm -- a', [], ['npm', '--', 'a'], { name: 'x' }],
  ['run --json -- --odd', [], ['--odd'], { json: true }],
  ['--json exec db psql -c x --json', ['db'], ['psql', '-c', 'x', '--json'], { json: true }],
  ['exec db -- psql -- -c', ['db'], ['psql', '--', '-c'], {}],
  ['exec -- db psql', ['db'], ['psql'], {}],
  ['exec -C /x db -- sh', ['db'], ['sh'], { directory: '/x' }],
])('what follows the command of run and exec is left untouched: reeve %s', (line, positionals, verbatim, options) => {
  expect(parse(line)).toMatchObject({ positionals, verbatim });
  expect(parse(line).options).toEqual(options);
});

test.each([
  ['statu', 'unknown command "statu"', 'reeve status'],
  ['daemon sart', 'unknown command "daemon sart"', 'reeve daemon start'],
  ['daemon', 'reeve daemon needs one of: run, start, stop, status, upgrade, logs', 'help daemon'],
  ['up --tiemout 3', 'reeve up has no option --tiemout', '--timeout'],
  ['ps -q', 'reeve ps has no option -q', 'reeve ps --help'],
  ['--nonsense', 'reeve has no option --nonsense', 'reeve --help'],
  ['up --timeout', '--timeout needs a value', 'TIME'],
  ['ps --json=yes', '--json takes no value', '--json'],
  ['wait api --for redy', '--for cannot be "redy"', 'did you mean ready'],
  ['why', 'reeve why needs <svc>', 'reeve why'],
  ['exec api', 'reeve exec needs <cmd>', 'reeve exec'],
  ['run', 'reeve run needs <cmd>', 'reeve run'],
  ['status a b', 'reeve status takes at most 1 argument: "b" is too much', 'reeve status'],
  ['ps web', 'reeve ps takes no arguments: "web" is too much', 'reeve ps'],
  ['completion bsh', '<shell> cannot be "bsh"', 'did you mean bash'],
  // Asked for by a later issue: unknown until it is built.
  ['adopt 3', 'unknown command "adopt"', ''],
  ['doctor', 'unknown command "doctor"', ''],
])('reeve %s is refused with advice', (line, message, advice) => {
  const refused = refusal(line);
  expect(refused).toMatchObject({ code: 'USAGE', message });
  expect(refused.hint).toContain(advice);
});

test('--help needs no arguments', () => {
  expect(parse('why --help')).toMatchObject({ command: 'why', options: { help: true } });
});

test('U29: the words of other managers lead to ours', () => {
  for (const [word, ours] of [
    ['ls', 'ps'],
    ['list', 'ps'],
    ['log', 'logs'],
    ['tail', 'logs'],
  ] as const)
    expect(parseCommandLine([word]).command).toBe(ours);
  expect(() => parseCommandLine(['delete', 'web'])).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('reeve down') }),
  );
});

test('U29: no word of another manager hides a command of ours', () => {
  for (const word of [...Object.keys(SAME), ...Object.keys(THEIRS)]) expect(firstWords()).not.toContain(word);
});
