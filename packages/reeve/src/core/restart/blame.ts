import type { Exit } from '@reeve/contract';

/** What kind of fault ends a program every time it is started, until a person fixes it. */
export type BlameCode = 'PORT_TAKEN' | 'NOT_PERMITTED' | 'NO_COMMAND' | 'NO_MODULE' | 'BAD_CONFIG' | 'NO_VARIABLE';

/** Why starting it again cannot help, read from what the program itself said at its end. */
export interface Blame {
  readonly code: BlameCode;
  /** A clause for people: `port 8081 is in use`. */
  readonly what: string;
  /** What to do about it: mostly a command. */
  readonly fix: string;
  /** The line that says so; null: the exit code alone does. */
  readonly line: string | null;
  /** The port of PORT_TAKEN, where the program names it. */
  readonly port: number | null;
}

type Said = Pick<Blame, 'what' | 'fix'> & { readonly port?: number | null };

interface Sign {
  readonly code: BlameCode;
  /** A whole line of output, as it was seen from the programs named. */
  readonly line: RegExp;
  /** Only with these exit codes. */
  readonly exits?: readonly number[];
  /** Only beside a line like this: a parse error of a request is not a syntax error of the program. */
  readonly beside?: RegExp;
  readonly say: (match: RegExpExecArray) => Said;
}

const portTaken = (text: string | undefined): Said => {
  const port = text === undefined ? null : Number(text);
  return port === null
    ? { what: 'its address is in use', fix: 'reeve ports', port }
    : { what: `port ${port} is in use`, fix: `reeve kill :${port}`, port };
};
const notPermitted = (what: string | undefined): Said => ({
  what: what ? `it is not permitted to use ${what}` : 'it was denied permission',
  fix: 'give its user the permission, run it as another `user`, or take a port above 1023',
});
/** Nothing that a package registry has: the libraries of reeve itself, which lie beside it. */
const OWN_MODULES: ReadonlyMap<string, string> = new Map([
  ['reeve', 'put reeve.py on its PYTHONPATH: docs/guide/python.md'],
  ['@reeve/sdk', 'install it from its package: docs/guide/library.md'],
]);
const noModule = (name = '', install: string): Said => ({
  what: `${name} not found`,
  fix: OWN_MODULES.get(name) ?? (/^[./]/.test(name) ? `check that ${name} exists` : `${install} ${name}`),
});
/** A shell says the same of a program that is missing and of one whose interpreter is. */
const noCommand = (name = ''): Said => {
  if (BASH_ONLY.has(name))
    return {
      what: `${name} is a bash keyword that sh does not have`,
      fix: 'set `shell: /bin/bash`, or write it as sh',
    };
  if (!name.includes('/'))
    return { what: `command not found: ${name}`, fix: `install ${name}, or give its path in \`command\`` };
  const fix = `check that it exists, and the interpreter in its first line: head -1 ${name}`;
  return { what: `${name}, or its interpreter, does not exist`, fix };
};
const BASH_ONLY = new Set(['source', 'declare', 'pushd', 'popd', 'shopt', 'mapfile', 'readarray', 'let', 'function']);
const badConfig = (what: string): Said => ({ what, fix: 'fix it, then run: reeve start' });
const noVariable = (name = ''): Said => ({
  what: `the variable ${name} is not set`,
  fix: `set ${name} in \`env\` or an env file of the service, then: reeve up`,
});

/** The first row that a line matches counts. The outputs are those of real programs (see the test). */
const SIGNS: readonly Sign[] = [
  // Node, Bun, nginx, Redis, PostgreSQL, Go, uvicorn, Python.
  { code: 'PORT_TAKEN', line: /\bEADDRINUSE\b.*[:\s](\d{1,5})\)?$/, say: (m) => portTaken(m[1]) },
  { code: 'PORT_TAKEN', line: /bind\(\) to \S*?:(\d{1,5}) failed \(98:/, say: (m) => portTaken(m[1]) },
  { code: 'PORT_TAKEN', line: /already running on port (\d{1,5})\?/, say: (m) => portTaken(m[1]) },
  {
    code: 'PORT_TAKEN',
    line: /(?:port |:|', )(\d{2,5})\)?:? (?:bind: )?address already in use/i,
    say: (m) => portTaken(m[1]),
  },
  { code: 'PORT_TAKEN', line: /\baddress already in use\b.*(?:port |:)(\d{2,5})\b/i, say: (m) => portTaken(m[1]) },
  { code: 'PORT_TAKEN', line: /\b(?:EADDRINUSE|address already in use)\b/i, say: () => portTaken(undefined) },

  { code: 'NOT_PERMITTED', line: /\blisten EACCES: permission denied (\S+)/, say: (m) => notPermitted(m[1]) },
  { code: 'NOT_PERMITTED', line: /bind\(\) to (\S+) failed \(13:/, say: (m) => notPermitted(m[1]) },
  {
    code: 'NOT_PERMITTED',
    line: /^PermissionError: \[Errno 13\] Permission denied(?:: '(.+)')?$/,
    say: (m) => notPermitted(m[1]),
  },
  {
    code: 'NOT_PERMITTED',
    line: /(?:^|[:\s])([^:\s]+): Permission denied$/,
    exits: [126],
    say: (m) => notPermitted(m[1]),
  },

  {
    code: 'NOT_PERMITTED',
    line: /([^:\s]+): Text file busy$/,
    exits: [126, 2],
    say: (m) => ({ what: `${m[1]} is being written by another process`, fix: 'when that has finished: reeve start' }),
  },
  {
    code: 'NO_COMMAND',
    line: /([^:\s]+): (?:cannot execute: required file not found|(?:\S+: )?bad interpreter: No such file or directory)$/,
    exits: [126, 127],
    say: (m) => ({
      what: `the interpreter of ${m[1]} does not exist`,
      fix: `correct its first line, and its line ends: head -1 ${m[1]}`,
    }),
  },
  {
    code: 'NOT_PERMITTED',
    line: /([^:\s]+): [Ii]s a directory$/,
    exits: [126],
    say: (m) => ({ what: `${m[1]} is a folder, not a program`, fix: 'give the path of the program in `command`' }),
  },
  {
    code: 'NOT_PERMITTED',
    line: /([^:\s]+): (?:cannot execute binary file: )?Exec format error$/,
    exits: [126, 2],
    say: (m) => ({ what: `${m[1]} is not a program for this system`, fix: `see what it is: file ${m[1]}` }),
  },

  {
    code: 'NO_MODULE',
    line: /^Error(?: \[ERR_MODULE_NOT_FOUND\])?: Cannot find (?:module|package) '([^']+)'/,
    say: (m) => noModule(m[1], 'npm install'),
  },
  {
    code: 'NO_MODULE',
    line: /(?:^ModuleNotFoundError: |python[\d.]*: )No module named '?([\w.]+)'?$/,
    say: (m) => noModule(m[1], 'pip install'),
  },
  { code: 'NO_MODULE', line: /python[\d.]*: can't open file '([^']+)'/, say: (m) => noModule(m[1], '') },

  {
    code: 'NO_VARIABLE',
    line: /^KeyError: '([A-Z][A-Z0-9_]*)'$/,
    beside: /^ {2}File "(?:<frozen os>|.*\/os\.py)", line \d+, in __getitem__$/,
    say: (m) => noVariable(m[1]),
  },
  {
    code: 'NO_VARIABLE',
    line: /^\S*sh: (?:\d+: |line \d+: )?([A-Z][A-Z0-9_]*): (?!not found|command not found|Permission denied)/,
    exits: [1, 2, 127],
    say: (m) => noVariable(m[1]),
  },
  {
    code: 'NO_VARIABLE',
    line: /\b(?:environment variable|env var(?:iable)?) ["'`]?([A-Z][A-Z0-9_]+)["'`]? (?:is |was )?(?:not set|missing|required|undefined|not defined)\b/i,
    say: (m) => noVariable(m[1]),
  },
  {
    code: 'NO_VARIABLE',
    line: /\bmissing (?:required )?(?:environment variable|env var(?:iable)?):? ["'`]?([A-Z][A-Z0-9_]+)/i,
    say: (m) => noVariable(m[1]),
  },

  { code: 'BAD_CONFIG', line: /^nginx: \[emerg\] (.+ in \S+:\d+)$/, say: (m) => badConfig(`${m[1]}`) },
  {
    code: 'BAD_CONFIG',
    line: /FATAL: {2}configuration file "(.+)" contains errors$/,
    say: (m) => badConfig(`${m[1]} contains errors`),
  },
  {
    code: 'BAD_CONFIG',
    line: /^\*\*\* FATAL CONFIG FILE ERROR/,
    say: () => badConfig('its config file contains an error'),
  },
  {
    code: 'BAD_CONFIG',
    line: /^(SyntaxError: .+)$/,
    beside: /^ {4}at (?:wrapSafe|compileSourceTextModule|internalCompileFunction|compileForInternalLoader)\b/,
    say: (m) => badConfig(`${m[1]}`),
  },
  {
    code: 'BAD_CONFIG',
    line: /^((?:SyntaxError|IndentationError|TabError): .+)$/,
    beside: /^ {2}File ".+", line \d+$/,
    say: (m) => badConfig(`${m[1]}`),
  },

  {
    code: 'NO_COMMAND',
    line: /(?:^|: )([^:\s]+): (?:command )?not found$/,
    exits: [127],
    say: (m) => noCommand(m[1]),
  },
];

/** Longer lines name no fault: a sign can take time that is quadratic in the length of a line. Characters. */
const LONGEST = 1_000;

/** Shells end with these when there was nothing to execute, whatever they print about it. */
const BY_CODE: ReadonlyMap<number, Said & { readonly code: BlameCode }> = new Map([
  [126, { code: 'NOT_PERMITTED', what: 'its command cannot be executed', fix: 'see its last lines: reeve logs' }],
  [127, { code: 'NO_COMMAND', what: 'its command was not found', fix: 'install it, or give its path in `command`' }],
]);

/**
 * The fault that a program named at its end, when it is one that a retry cannot fix; null: none is known.
 * `lines`: the last of its output, oldest first. A program that ended well, or by a signal, is never blamed.
 */
export function blame(exit: Exit | null, lines: readonly string[]): Blame | null {
  if (exit?.kind !== 'code' || exit.code === 0) return null;
  const short = lines.filter((line) => line.length <= LONGEST);
  for (const sign of SIGNS) {
    if (sign.exits && !sign.exits.includes(exit.code)) continue;
    const found = matchLast(sign, short);
    if (found) return { code: sign.code, line: found.line, port: null, ...sign.say(found.match) };
  }
  const known = BY_CODE.get(exit.code);
  return known ? { line: null, port: null, ...known } : null;
}

function matchLast({ line: pattern, beside }: Sign, lines: readonly string[]) {
  if (beside && !lines.some((line) => beside.test(line))) return null;
  for (const line of lines.toReversed()) {
    const match = pattern.exec(line.trimEnd());
    if (match) return { line, match };
  }
  return null;
}
