import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NOTHING_SAID, remember } from './notified.ts';
import { parseNotification } from './notify.ts';

describe('what services say, as systemd documents it', () => {
  test.each([
    ['READY=1', { key: 'ready' }],
    ['RELOADING=1', { key: 'reloading' }],
    ['STOPPING=1', { key: 'stopping' }],
    ['STATUS=Completed 66% of file system check…', { key: 'status', text: 'Completed 66% of file system check…' }],
    ['STATUS=a=b', { key: 'status', text: 'a=b' }],
    ['MAINPID=4711', { key: 'main', pid: 4711 }],
    ['WATCHDOG=1', { key: 'ping' }],
    ['WATCHDOG=trigger', { key: 'trigger' }],
    ['WATCHDOG_USEC=20000000', { key: 'watchdog', timeout: 20_000 }],
    ['EXTEND_TIMEOUT_USEC=500', { key: 'extend', by: 0.5 }],
    ['ERRNO=2', { key: 'errno', number: 2 }],
    ['BUSERROR=org.freedesktop.DBus.Error.TimedOut', { key: 'bus_error', name: 'org.freedesktop.DBus.Error.TimedOut' }],
    ['X_REEVE_PORTS=8081, 8082', { key: 'announce', part: { ports: [8081, 8082] } }],
    ['X_REEVE_DEPENDS=db,cache,db', { key: 'announce', part: { depends: ['db', 'cache'] } }],
    ['X_REEVE_CAPABILITIES=A', { key: 'announce', part: { capabilities: ['A'] } }],
    ['X_REEVE_CLEANUP=rm -f "x=y"', { key: 'announce', part: { cleanup: 'rm -f "x=y"' } }],
    ['X_REEVE_START=node a.js', { key: 'announce', part: { start: 'node a.js' } }],
    ['X_REEVE_HEALTH=healthy', { key: 'health', ok: true, why: null }],
    ['X_REEVE_HEALTH=unhealthy:queue: full', { key: 'health', ok: false, why: 'queue: full' }],
    ['X_REEVE_DATA={"a":[1]}', { key: 'announce', part: { data: { a: [1] } } }],
  ])('%s', (line, word) => {
    expect(parseNotification(line)).toEqual([word]);
  });

  test('several lines are several words, in order; unknown keys and lines without one are left out', () => {
    const text = 'FDSTORE=1\nRELOADING=1\nMONOTONIC_USEC=5\nnonsense\n=\nBARRIER=1\nX_OTHER=1\nREADY=1\n';
    expect(parseNotification(text).map(({ key }) => key)).toEqual(['reloading', 'ready']);
  });
});

test.each(['0', '1', '-1', '', '1.5', '12abc', '4294967297', ' 5', '0x10', '1e3', '٣'])(
  'PI4: MAINPID=%s names no process',
  (value) => {
    expect(parseNotification(`MAINPID=${value}`)).toMatchObject([{ key: 'bad' }]);
  },
);

test.each([
  'READY=0',
  'WATCHDOG=0',
  'WATCHDOG_USEC=0',
  'EXTEND_TIMEOUT_USEC=-1',
  'X_REEVE_PORTS=0',
  'X_REEVE_PORTS=http',
  'X_REEVE_HEALTH=fine',
  'X_REEVE_DATA={',
  'ERRNO=x',
])('%s makes no sense, and is said to', (line) => {
  expect(parseNotification(line)).toMatchObject([{ key: 'bad', line }]);
});

test('whatever a service sends, it is words with safe values, and remembering them never fails', () => {
  const key = fc.constantFrom(
    'MAINPID',
    'WATCHDOG_USEC',
    'EXTEND_TIMEOUT_USEC',
    'X_REEVE_PORTS',
    'STATUS',
    'READY',
    'X_REEVE_DATA',
  );
  const line = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.tuple(key, fc.oneof(fc.string(), fc.integer().map(String))).map(([k, v]) => `${k}=${v}`),
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const words = parseNotification(lines.join('\n'));
      expect(words.length).toBeLessThanOrEqual(lines.join('\n').split('\n').length);
      for (const word of words) {
        if (word.key === 'main') expect(Number.isSafeInteger(word.pid) && word.pid > 1).toBe(true);
        if (word.key === 'extend') expect(word.by > 0 && word.by <= 24 * 3600_000).toBe(true);
        if (word.key === 'announce') {
          for (const port of word.part.ports ?? []) expect(port >= 1 && port <= 65_535).toBe(true);
        }
      }
      const said = words.reduce(remember, NOTHING_SAID);
      expect(words.reduce(remember, said)).toEqual(said); // saying it again changes nothing
    }),
  );
});

test('what is joined is what was said apart', () => {
  const lines = fc.array(
    fc.constantFrom('READY=1', 'STATUS=x', 'RELOADING=1', 'WATCHDOG=1', 'X_REEVE_PORTS=1,2', 'MAINPID=0'),
  );
  fc.assert(
    fc.property(lines, lines, (a, b) => {
      const joined = parseNotification([...a, ...b].join('\n'));
      expect(joined).toEqual([...parseNotification(a.join('\n')), ...parseNotification(b.join('\n'))]);
    }),
  );
});
