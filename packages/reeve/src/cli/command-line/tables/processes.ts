import type { CommandSpec } from '../command-table.ts';
import { service, timeout } from './options.ts';

/** Work on single processes. */
export const PROCESSES: readonly CommandSpec[] = [
  {
    name: 'kill',
    summary: 'Find a service, pid, port owner or pattern, show it, end it, and prove that it is gone',
    arguments: [{ name: 'target', complete: 'service' }],
    options: [
      { name: 'pattern', value: 'RE', summary: 'Every process whose command line matches this regular expression' },
      { name: 'force', summary: 'Also processes that belong to no project of this home' },
      timeout('How long until SIGKILL; default 10s, for a service what its stop allows'),
    ],
    examples: [
      { line: 'reeve kill api', what: 'a service: it is stopped, and stays so' },
      { line: 'reeve kill 4711', what: 'one process, and what it has started' },
      { line: 'reeve kill :3000 --force', what: 'the process that listens on port 3000, even a foreign one' },
      { line: "reeve kill --pattern 'node .*worker'", what: 'by command line' },
    ],
    details: [
      'A service of this home (by name, by the pid of its main process, by its port) is stopped by the daemon, which is started when it is down: its restart policy brings nothing back. Anything else gets SIGTERM, then what it has started does, and SIGKILL when the time is over; each process is signalled only while it is the one that was found. What is not of a project of this home is only ended with --force, unless it is named by its pid and yours. Never ended: this command and what has started it, pid 1, a daemon or keeper of reeve.',
      'Exit codes: 0 COMPLETE, 4 nothing found, 6 INCOMPLETE (survivors are named), 7 refused.',
    ],
    json: 'the receipt, as `stop`, with `project` null where it is of none, and with `"target"` and `"notes"`',
  },
  {
    name: 'run',
    summary: 'Run one command as a supervised service, without a config',
    arguments: [{ name: 'cmd', required: true, many: true, complete: 'command' }],
    options: [{ name: 'name', value: 'NAME', summary: 'Name of the service; default: after the command' }],
    verbatimAfter: 0,
    examples: [
      { line: 'reeve run npm test', what: 'nothing of it is left afterwards' },
      { line: 'reeve run --name db -- postgres -D data', what: 'options of reeve come before the command' },
    ],
    details: [
      'Passes on its output byte for byte, and ends with its exit code, or 128+n for a signal. Ctrl-C stops it, with everything it has started; so does a reader of its output that goes away (`reeve run … | head -1`: exit code 141). It is never restarted. Its log stays: `reeve logs NAME`. Its standard input is empty.',
    ],
    json: 'at the end, on standard error, `{ "services": [...] }`: standard output is the command’s',
  },
  {
    name: 'exec',
    summary: 'Run a command in the surroundings of a service: its folder, environment and user',
    arguments: [service, { name: 'cmd', required: true, many: true, complete: 'command' }],
    options: [],
    verbatimAfter: 1,
    examples: [{ line: 'reeve exec api npm run console', what: 'with the environment that api has' }],
    details: ['Ends with the exit code of the command, or 128+n for a signal. The command is yours: `stop` leaves it.'],
  },
  {
    name: 'signal',
    summary: 'Send a signal to the main process of a service',
    arguments: [{ name: 'SIG', required: true, complete: 'signal' }, service],
    options: [],
    examples: [{ line: 'reeve signal HUP web', what: 'SIGHUP' }],
    details: [
      'Sent only to a process that is verified to be the service’s. Exit codes: 3 not running, 4 no such service.',
    ],
    json: '`{ "signals": [{ service, signal, pid }] }`',
  },
];
