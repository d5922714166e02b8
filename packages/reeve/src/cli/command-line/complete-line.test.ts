import { expect, test } from 'vitest';
import { complete } from './complete-line.ts';

const values = (...words: string[]) => complete(words).candidates.map(({ value }) => value);

test('first comes a command, then what it takes', () => {
  expect(values('')).toContain('up');
  expect(values('')).toContain('daemon');
  expect(values('')).not.toContain('__complete');
  expect(values('daemon', '')).toEqual(['run', 'start', 'stop', 'status', 'upgrade', 'logs']);
  expect(complete(['stop', '']).kind).toBe('service');
  expect(complete(['signal', '']).kind).toBe('signal');
  expect(complete(['signal', 'HUP', '']).kind).toBe('service');
  expect(complete(['status', 'api', '']).kind).toBeNull();
  expect(values('completion', '')).toEqual(['bash', 'zsh', 'fish', 'powershell']);
});

test('a dash asks for options, of the command and of every command', () => {
  expect(values('up', '--')).toEqual(expect.arrayContaining(['--detach', '--json']));
  expect(values('ps', '-')).not.toContain('--detach');
});

test('an option that needs a value gets one', () => {
  expect(values('wait', 'api', '--for', '')).toEqual(['ready', 'stopped', 'completed']);
  expect(complete(['--project', '']).kind).toBe('project');
  expect(complete(['ps', '-C', '']).kind).toBe('folder');
});

test('services that stand there already are known', () => {
  expect(complete(['stop', 'api', 'w'])).toMatchObject({ kind: 'service', used: ['api'] });
});

test("another command's words are not reeve's", () => {
  expect(complete(['exec', '']).kind).toBe('service');
  expect(complete(['exec', 'db', '']).kind).toBe('command');
  expect(complete(['exec', 'db', 'psql', '--'])).toMatchObject({ candidates: [], kind: 'file' });
});
