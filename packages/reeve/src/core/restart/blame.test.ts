import type { Exit } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { type BlameCode, blame } from './blame.ts';

const exit = (code: number): Exit => ({ kind: 'code', code, signal: null, at: 'now' });

/** What programs print at their end. Captured from the versions named; nginx and Redis as their sources print it. */
const SAID: readonly [who: string, code: number, output: string, expected: BlameCode, part: string][] = [
  [
    'Node 20, a port that is taken',
    1,
    `node:events:502
      throw er; // Unhandled 'error' event
      ^

Error: listen EADDRINUSE: address already in use 127.0.0.1:25999
    at Server.setupListenHandle [as _listen2] (node:net:1908:16)
    at process.processTicksAndRejections (node:internal/process/task_queues:82:21) {
  code: 'EADDRINUSE',
  errno: -98,
  syscall: 'listen',
  address: '127.0.0.1',
  port: 25999
}

Node.js v20.20.2`,
    'PORT_TAKEN',
    'port 25999',
  ],
  [
    'Node 20, on all addresses',
    1,
    'Error: listen EADDRINUSE: address already in use :::3000',
    'PORT_TAKEN',
    'port 3000',
  ],
  [
    'Python 3.11 http.server',
    1,
    `  File "/usr/lib/python3.11/socketserver.py", line 472, in server_bind
    self.socket.bind(self.server_address)
OSError: [Errno 98] Address already in use`,
    'PORT_TAKEN',
    'its address is in use',
  ],
  [
    'uvicorn 0.30',
    1,
    "ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in use",
    'PORT_TAKEN',
    'port 8000',
  ],
  [
    'PostgreSQL 15',
    1,
    `2026-11-21 14:14:51.159 UTC [19600] LOG:  could not bind IPv4 address "127.0.0.1": Address already in use
2026-11-21 14:14:51.159 UTC [19600] HINT:  Is another postmaster already running on port 25999? If not, wait a few seconds and retry.
2026-11-21 14:14:51.159 UTC [19600] WARNING:  could not create listen socket for "127.0.0.1"
2026-11-21 14:14:51.159 UTC [19600] FATAL:  could not create any TCP/IP sockets
2026-11-21 14:14:51.165 UTC [19600] LOG:  database system is shut down`,
    'PORT_TAKEN',
    'port 25999',
  ],
  [
    'nginx 1.22',
    1,
    `nginx: [emerg] bind() to 0.0.0.0:8080 failed (98: Address already in use)
nginx: [emerg] still could not bind()`,
    'PORT_TAKEN',
    'port 8080',
  ],
  [
    'Redis 7.0',
    1,
    `1:M 21 Nov 2026 14:00:00.000 # Warning: Could not create server TCP listening socket *:6379: bind: Address already in use
1:M 21 Nov 2026 14:00:00.000 # Failed listening on port 6379 (tcp), aborting.`,
    'PORT_TAKEN',
    'port 6379',
  ],
  ['Go net/http', 1, '2026/11/21 14:00:00 listen tcp :8080: bind: address already in use', 'PORT_TAKEN', 'port 8080'],
  ['Node 20 below 1024', 1, 'Error: listen EACCES: permission denied 0.0.0.0:80', 'NOT_PERMITTED', '0.0.0.0:80'],
  [
    'Python 3.11 below 1024',
    1,
    '    self.socket.bind(self.server_address)\nPermissionError: [Errno 13] Permission denied',
    'NOT_PERMITTED',
    'denied',
  ],
  [
    'U9: sh, a script or its interpreter is missing',
    127,
    'sh: 1: ./m.py: not found',
    'NO_COMMAND',
    'or its interpreter',
  ],
  ['U9: sh, a word of bash', 127, 'sh: 1: source: not found', 'NO_COMMAND', 'is a bash keyword'],
  ['U9: sh, a file that is being written', 126, 'sh: 1: ./x: Text file busy', 'NOT_PERMITTED', 'is being written'],
  ['U9: bash, a folder', 126, 'bash: line 1: ./d: Is a directory', 'NOT_PERMITTED', 'is a folder'],
  [
    'U9: bash, a missing interpreter',
    127,
    'bash: line 1: ./x: cannot execute: required file not found',
    'NO_COMMAND',
    'the interpreter of ./x',
  ],
  ['sh, a file that is not executable', 126, 'sh: 1: ./noexec: Permission denied', 'NOT_PERMITTED', './noexec'],
  ['bash, the same', 126, 'bash: ./noexec: Permission denied', 'NOT_PERMITTED', './noexec'],
  ['sh, no such command', 127, 'sh: 1: nope-cmd: not found', 'NO_COMMAND', 'nope-cmd'],
  ['bash, no such command', 127, 'bash: line 1: nope-cmd: command not found', 'NO_COMMAND', 'nope-cmd'],
  ['a shell that says nothing', 127, '', 'NO_COMMAND', 'not found'],
  [
    'Node 20, require',
    1,
    `node:internal/modules/cjs/loader:1210
  throw err;
  ^

Error: Cannot find module 'express'
Require stack:
- /srv/app/server.js
    at Module._resolveFilename (node:internal/modules/cjs/loader:1207:15) {
  code: 'MODULE_NOT_FOUND',
  requireStack: [ '/srv/app/server.js' ]
}

Node.js v20.20.2`,
    'NO_MODULE',
    'express not found',
  ],
  [
    'Node 20, import',
    1,
    "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'nope-y' imported from /srv/app/a.mjs",
    'NO_MODULE',
    'nope-y',
  ],
  ['Python 3.11, import', 1, "ModuleNotFoundError: No module named 'nope_x'", 'NO_MODULE', 'nope_x'],
  ['Python 3.11 -m', 1, '/usr/bin/python3: No module named nope_x', 'NO_MODULE', 'nope_x'],
  [
    'Python 3.11, no script',
    2,
    "/usr/bin/python3: can't open file '/srv/nope.py': [Errno 2] No such file or directory",
    'NO_MODULE',
    '/srv/nope.py',
  ],
  [
    'Node 20, a syntax error',
    1,
    `/srv/s.js:1
let x = ;
        ^

SyntaxError: Unexpected token ';'
    at wrapSafe (node:internal/modules/cjs/loader:1464:18)
    at Module._compile (node:internal/modules/cjs/loader:1495:20)

Node.js v20.20.2`,
    'BAD_CONFIG',
    "SyntaxError: Unexpected token ';'",
  ],
  [
    'Python 3.11, a syntax error',
    1,
    '  File "/srv/s.py", line 1\n    def (\n        ^\nSyntaxError: invalid syntax',
    'BAD_CONFIG',
    'SyntaxError',
  ],
  [
    'nginx 1.22, its config',
    1,
    'nginx: [emerg] unknown directive "evnts" in /etc/nginx/nginx.conf:2',
    'BAD_CONFIG',
    'evnts',
  ],
  [
    'PostgreSQL 15, its config',
    1,
    `2026-11-21 14:14:51.201 GMT [19603] LOG:  unrecognized configuration parameter "bogus_thing" in file "/data/postgresql.conf" line 816
2026-11-21 14:14:51.201 GMT [19603] FATAL:  configuration file "/data/postgresql.conf" contains errors`,
    'BAD_CONFIG',
    '/data/postgresql.conf',
  ],
  [
    'Redis 7.0, its config',
    1,
    "*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\nReading the configuration file, at line 1\n>>> 'prt 1'\nBad directive or wrong number of arguments",
    'BAD_CONFIG',
    'config file',
  ],
  [
    'Python 3.11, os.environ',
    1,
    '  File "<string>", line 1, in <module>\n  File "<frozen os>", line 679, in __getitem__\nKeyError: \'DATABASE_URL\'',
    'NO_VARIABLE',
    'DATABASE_URL',
  ],
  ['sh, ${X:?}', 2, 'sh: 1: DATABASE_URL: must be set', 'NO_VARIABLE', 'DATABASE_URL'],
  ['bash, ${X:?}', 127, 'bash: line 1: DATABASE_URL: must be set', 'NO_VARIABLE', 'DATABASE_URL'],
  ['sh -u', 2, 'sh: 1: NOPE_X: parameter not set', 'NO_VARIABLE', 'NOPE_X'],
  ['an application', 1, 'Error: environment variable API_URL is not set', 'NO_VARIABLE', 'API_URL'],
];

test.each(SAID)('%s is understood', (_who, code, output, expected, part) => {
  const found = blame(exit(code), output.split('\n'));
  expect(found?.code).toBe(expected);
  expect(found?.what).toContain(part);
  expect(found?.fix).not.toBe('');
});

test('a port is freed by a command that names it', () => {
  expect(blame(exit(1), ['Error: listen EADDRINUSE: address already in use :::3000'])).toMatchObject({
    port: 3000,
    fix: 'reeve kill :3000',
    line: 'Error: listen EADDRINUSE: address already in use :::3000',
  });
});

describe('no fault is named', () => {
  const quiet: readonly [string, Exit | null, string][] = [
    ['for a good end', exit(0), 'Error: listen EADDRINUSE: address already in use :::3000'],
    ['for a signal', { kind: 'signal', code: null, signal: 'SIGKILL', at: 'now' }, 'Address already in use'],
    ['for an end that was not observed', null, 'Address already in use'],
    ['for a dependency that is away', exit(1), 'Error: connect ECONNREFUSED 127.0.0.1:5432'],
    [
      'for a request that does not parse',
      exit(1),
      'SyntaxError: Unexpected token < in JSON at position 0\n    at JSON.parse (<anonymous>)\n    at handle (/srv/app.js:3:9)',
    ],
    ['for a key that a dict lacks', exit(1), '  File "/srv/app.py", line 3, in run\nKeyError: \'ORDER\''],
    ['for an HTTP 404', exit(1), 'GET /missing 404: page not found'],
    ['for an end without words', exit(3), ''],
    ['U32: for a line of over 1,000 characters', exit(1), `${'x'.repeat(1_000)} EADDRINUSE :8081`],
  ];
  test.each(quiet)('%s', (_, ended, output) => {
    expect(blame(ended, output.split('\n'))).toBeNull();
  });
});
