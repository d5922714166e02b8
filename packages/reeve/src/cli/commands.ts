import type { CommandSpec, OptionSpec } from './command-table.ts';
import { readDuration, readLines, readMoment } from './read-options.ts';

/** Options of every command. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { name: 'json', summary: 'Print the result as JSON: one object, or one a line when it streams' },
  {
    name: 'project',
    value: 'NAME',
    complete: 'project',
    summary: 'The project, by name; default: the one of this folder',
  },
  {
    name: 'home',
    value: 'DIR',
    complete: 'folder',
    summary: 'Where reeve keeps everything (REEVE_HOME); two homes never see each other',
  },
  {
    name: 'config',
    value: 'FILE',
    complete: 'file',
    summary: 'The config file; default: the nearest reeve.yaml, upwards',
  },
  { name: 'directory', short: 'C', value: 'DIR', complete: 'folder', summary: 'Work as if started in this folder' },
  {
    name: 'color',
    value: 'WHEN',
    values: ['auto', 'always', 'never'],
    summary: 'Colours: auto, always or never (also NO_COLOR, FORCE_COLOR)',
  },
  { name: 'verbose', summary: 'Tell more: steps and their reasons, details of errors' },
  { name: 'help', short: 'h', summary: 'Show the help of a command' },
  { name: 'version', short: 'V', summary: 'Show the version' },
];

const services = { name: 'svc', many: true, complete: 'service' } as const;
const service = { name: 'svc', required: true, complete: 'service' } as const;
const timeout = (summary: string): OptionSpec => ({ name: 'timeout', value: 'TIME', check: readDuration, summary });
const follow: OptionSpec = { name: 'follow', short: 'f', summary: 'Go on as more comes, until Ctrl-C' };
const newest = (standard: string): OptionSpec => ({
  name: 'lines',
  short: 'n',
  value: 'N',
  check: readLines,
  summary: `The newest N, or \`all\`; default ${standard}`,
});
const since: OptionSpec = {
  name: 'since',
  value: 'TIME',
  check: (text, name) => readMoment(text, name),
  summary: 'Not older than this: 10m, 2h, or 2026-11-21T10:00:00Z',
};
const all = (summary: string): OptionSpec => ({ name: 'all', summary });
const force: OptionSpec = { name: 'force', summary: 'Do not wait for the grace: SIGKILL at once' };

/** Every command of this version. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'up',
    summary: 'Apply the config: start what is missing or changed, in order, and wait until it is ready',
    arguments: [services],
    options: [
      { name: 'detach', short: 'd', summary: 'Return when all is ready; services keep running' },
      { name: 'attach', summary: 'Then show their logs, also without a terminal; Ctrl-C or SIGTERM stops them' },
      { name: 'wait', summary: 'Wait until every named service is ready (the default)' },
      { name: 'no-wait', summary: 'Return as soon as the daemon has accepted it' },
      timeout('How long to wait; default: what the config allows for the longest chain, at least 30s'),
      { name: 'dry-run', summary: 'Show what would be started or changed, in which order; change nothing' },
      { name: 'prune', summary: 'Stop services that have left the config' },
    ],
    examples: [
      { line: 'reeve up', what: 'start everything, then show the logs; Ctrl-C stops it' },
      { line: 'reeve up -d', what: 'start everything and return when it is ready' },
      { line: 'reeve up web --timeout 1m', what: 'web and what it depends on' },
      { line: 'reeve up --dry-run', what: 'what would happen' },
    ],
    details: [
      'On a terminal without -d, and with --attach anywhere, the logs are shown once all is ready. Ctrl-C or SIGTERM then stops the named services (all, if none was named) and prints the receipt; a second Ctrl-C is told so, a third leaves the stop to the daemon; a hang-up leaves them running. Without a terminal and without --attach it returns like with -d.',
      'Exit codes: 0 all ready; 1 a service failed; 2 config; 5 only conflicts (a port that is taken, an unfinished stop) stood in the way; 8 not ready in time: it says who, and stops nothing.',
    ],
    json: '`{ "project", "outcome": "ready"|"accepted"|"failed"|"timeout", "services": [{ name, outcome, state, reason, ms }], "changed", "removed" }`; with `--dry-run` `{ "project", "services": [{ name, action, reason, depends_on, cost, changes: [{ field, from, to, cost }] }] }`; with `--attach` the logs follow as lines, at last the receipt',
  },
  {
    name: 'start',
    summary: 'Start services that reeve knows, with what they depend on',
    arguments: [services],
    options: [
      all('Every project of this home'),
      timeout('How long to wait until ready; default 60s'),
      { name: 'no-wait', summary: 'Return as soon as the daemon has accepted it' },
      { name: 'force', summary: 'Accepted for symmetry with stop; a start has nothing to force' },
    ],
    examples: [
      { line: 'reeve start api', what: 'start one again' },
      { line: 'reeve start', what: 'everything of this project that starts by itself' },
    ],
    details: ['A config that has never been applied is applied first, as by `up`. Exit codes as for `up`.'],
    json: 'as `up`',
  },
  {
    name: 'stop',
    summary: 'Stop services, and prove that nothing of them is left',
    arguments: [services],
    options: [
      all('Every project of this home'),
      timeout('Limit of the whole command; default 10s, or the longest chain of declared stop timeouts'),
      force,
    ],
    examples: [
      { line: 'reeve stop', what: 'everything of this project' },
      { line: 'reeve stop web api', what: 'two of them' },
      { line: 'reeve stop --all', what: 'every project' },
    ],
    details: [
      'Prints the receipt: COMPLETE, or INCOMPLETE with the survivors and why they live (exit code 6). Nothing running is COMPLETE too. Exit code 4: no such service.',
    ],
    json: 'the receipt: `{ "project", "status": "COMPLETE"|"INCOMPLETE", "services": [{ name, promise, promise_reason, processes, ports }], "survivors", "ms" }`; with `--all` `{ "receipts": [...] }`',
  },
  {
    name: 'restart',
    summary: 'Give services new processes: stop, then start, in order',
    arguments: [services],
    options: [
      all('Every project of this home'),
      timeout('How long to wait until ready; default 60s'),
      { name: 'no-wait', summary: 'Return as soon as the daemon has accepted it' },
      force,
    ],
    examples: [{ line: 'reeve restart api', what: 'one service; what depends on it stays' }],
    details: ['Exit codes as for `up`.'],
    json: 'as `up`',
  },
  {
    name: 'down',
    summary: 'Stop the project, then forget it',
    arguments: [],
    options: [
      { name: 'purge', summary: 'Remove its logs and history too' },
      timeout('Limit of the stop; default as for `stop`'),
    ],
    examples: [{ line: 'reeve down --purge', what: 'leave nothing of it, not even logs' }],
    details: ['An unfinished stop (exit code 6) forgets nothing.'],
    json: 'the receipt, as `stop`',
  },
  {
    name: 'ps',
    summary: 'Every service and instance, and what runs unmanaged',
    arguments: [],
    options: [all('Every project of this home'), { name: 'wide', summary: 'More columns' }],
    examples: [
      { line: 'reeve ps', what: 'the services of this project' },
      { line: 'reeve ps --all', what: 'of every project' },
      { line: 'reeve ps --json', what: 'for programs' },
    ],
    details: [
      'Works with the daemon down: then it shows what was remembered, held against the processes that live. Exit code 4 when there is neither a config nor a known project.',
    ],
    json: '`{ "project", "daemon": { running, pid, version }, "services": [...], "unmanaged": [...], "scanned_at" }`; with `--all` `{ "projects": [...] }` of these',
  },
  {
    name: 'status',
    summary: 'One service in full, with its last lines; without a name, every service',
    arguments: [{ name: 'svc', complete: 'service' }],
    options: [],
    examples: [{ line: 'reeve status api', what: 'how it is, since when, and what it said last' }],
    details: [
      'Exit codes: 0 running, starting or completed; 3 stopped, stopping, failed, backoff or waiting; 4 no such service. Without a name: 3 as soon as one service is not up.',
    ],
    json: '`{ "project", "services": [...] }`, each as in `ps`',
  },
  {
    name: 'why',
    summary: 'The causal story of the present state of a service',
    arguments: [service],
    options: [],
    examples: [{ line: 'reeve why web', what: 'the reason, the last exit, the last lines, what it waits for' }],
    json: '`{ "service", "summary", "waits_for": [...], "roots": [...], "blocks": [...], "because": [...], "crash", "events": [...], "last_lines": [...], "next_try_at", "survivors": [...], "try": [...] }`',
  },
  {
    name: 'wait',
    summary: 'Wait until a service is ready, stopped or completed',
    arguments: [{ ...service, many: true }],
    options: [
      {
        name: 'for',
        value: 'WHAT',
        values: ['ready', 'stopped', 'completed'],
        summary: 'ready (the default), stopped or completed',
      },
      timeout('How long; default 60s'),
    ],
    examples: [{ line: 'reeve wait api --timeout 30s && npm test', what: 'in a script' }],
    details: [
      'Exit codes: 0 it is so; 1 it has failed, or can no longer be; 4 no such service; 8 not in time. A service that is not up is waited for too: somebody may start it.',
    ],
    json: '`{ "outcome": "met"|"failed"|"timeout", "services": [{ name, outcome, state, reason, ms }] }`',
  },
  {
    name: 'logs',
    summary: 'What services have written, merged by time',
    arguments: [services],
    options: [
      follow,
      newest('100'),
      since,
      {
        name: 'until',
        value: 'TIME',
        check: (text, name) => readMoment(text, name),
        summary: 'Not newer than this',
      },
      { name: 'grep', value: 'RE', summary: 'Only lines that match this regular expression' },
      { name: 'stream', value: 'WHICH', values: ['out', 'err'], summary: 'Only standard output (out) or error (err)' },
      { name: 'raw', summary: 'The lines as they were written: no names, control characters kept' },
      { name: 'run', value: 'RUN', summary: 'Only one run: -1 the one before the last, or its id' },
      { name: 'paths', summary: 'The files behind it, oldest first, one a line' },
    ],
    examples: [
      { line: 'reeve logs -f api worker', what: 'follow two services' },
      { line: 'reeve logs --since 10m --grep error', what: 'of all services' },
      { line: 'reeve logs web --run -1', what: 'what the run before the last one said' },
    ],
    details: ['Reads the files itself: works with the daemon down.'],
    json: 'one line each: `{ at, seq, project, service, instance, run, stream, line }`; with `--paths` `{ "paths": [...] }`',
  },
  {
    name: 'events',
    summary: 'What happened to the services: starts, exits, restarts, stops',
    arguments: [services],
    options: [follow, newest('50'), since, all('Every project of this home')],
    examples: [
      { line: 'reeve events -n 10', what: 'the last ten' },
      { line: 'reeve events -f api', what: 'one service, as it happens' },
    ],
    json: 'one line each: `{ at, seq, project, service, instance, run, event, message, data }`',
  },
  {
    name: 'ports',
    summary: 'Who owns which port: leases and foreign listeners',
    arguments: [{ name: 'port', complete: 'port' }],
    options: [],
    examples: [
      { line: 'reeve ports', what: 'all of this home and machine' },
      { line: 'reeve ports 3000', what: 'who has it' },
    ],
    json: '`{ "ports": [{ port, protocol, project, service, instance, name, leased, listening, owner }] }`',
  },
  {
    name: 'hunt',
    summary: 'Find processes by service, name, pid, port or command line, and tell whose they are',
    arguments: [{ name: 'query', required: true, complete: 'service' }],
    options: [],
    examples: [
      { line: 'reeve hunt api', what: 'everything that has to do with api' },
      { line: 'reeve hunt :3000', what: 'who listens on port 3000' },
    ],
    details: [
      'Looks at every process of the machine and says why each was found and how sure that is: high (its pid, the port, or a mark of the service on it), medium (below such a one, or its name), low (only the text in its command line). Works with the daemon down. Exit code 4: nothing found.',
    ],
    json: '`{ "query", "processes": [{ pid, started_at, user, command, project, service, instance, run, main, ours, reeve, home, ports, memory_bytes, found_by, why, confidence }] }`',
  },
  {
    name: 'kill',
    summary: 'Find a service, pid, port owner or pattern, show it, end it, and prove that it is gone',
    arguments: [{ name: 'target', complete: 'service' }],
    options: [
      { name: 'pattern', value: 'RE', summary: 'Every process whose command line matches this regular expression' },
      { name: 'force', summary: 'Also what is no process of a project of this home' },
      timeout('How long until SIGKILL; default 10s, for a service what its stop allows'),
    ],
    examples: [
      { line: 'reeve kill api', what: 'a service: it is stopped, and stays so' },
      { line: 'reeve kill 4711', what: 'one process, and what it has started' },
      { line: 'reeve kill :3000 --force', what: 'whoever listens on port 3000, also a foreign process' },
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
      'Shows its output and ends with its exit code, or 128+n for a signal. Ctrl-C stops it, with everything it has started. It is never restarted. Its log stays: `reeve logs NAME`. Its standard input is empty.',
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
  {
    name: 'advertisements',
    summary: 'The live guide: what every service announces, how to clean it up, and what to do next',
    arguments: [],
    options: [],
    examples: [
      { line: 'reeve advertisements', what: 'every project of this home' },
      { line: 'reeve advertisements --json', what: 'for programs' },
    ],
    details: [
      'Looks itself whether the process of an announcement lives (live, stale: it was killed, stopped) and whether its ports are listened on. What a service announces and its config does not say is told as a difference. Needs no daemon.',
    ],
    json: '`{ "announcements": [{ name, project, origin, liveness, identity, pid, title, description, processes, ports, dependencies, capabilities, start, cleanup, cleanup_timeout, data, differences, validate }], "guide": [{ kind: "pattern"|"next"|"validation", title, steps, commands }], "ignored": [{ file, why }] }`',
  },
  {
    name: 'cleanup',
    summary: 'Emergency: stop services, or everything of this home, and run every clean-up, each on its own, verified',
    arguments: [services],
    options: [
      all('Every project of this home, and everything that announced itself'),
      timeout('Limit of each stop; default 10s. Each clean-up has its own limit'),
      force,
    ],
    examples: [
      { line: 'reeve cleanup --all', what: 'a line for each service' },
      { line: 'reeve cleanup preview', what: 'one service of this project' },
    ],
    details: [
      'For each service: its own clean-up while it lives, the stop, its clean-up command, and then a look of our own whether its processes have ended and its ports are free. One that fails, hangs or leaves something is told, and stops no other.',
      'Exit codes: 0 all done (also when there was nothing); 4 no such service; 6 a clean-up failed or timed out, or something is left.',
    ],
    json: '`{ "status": "COMPLETE"|"INCOMPLETE", "cleanups": [{ project, service, managed_by, ok, reason, problems, message, ended, ports, ms }] }`',
  },
  {
    name: 'register',
    summary: 'Say that a process that reeve did not start is a service of this project',
    arguments: [{ name: 'name' }],
    options: [
      { name: 'name', value: 'NAME', summary: 'The same as the argument' },
      {
        name: 'pid',
        value: 'N',
        summary: 'Its process; its identity is noted, so that no other process is ever taken for it',
      },
      { name: 'port', value: 'PORTS', complete: 'port', summary: 'Ports that it holds: 8081, 8081,8082 or 53/udp' },
      { name: 'start', value: 'CMD', summary: 'How to start it; for /bin/sh -c' },
      { name: 'cleanup', value: 'CMD', summary: 'Removes what it leaves; for /bin/sh -c' },
      { name: 'cleanup-timeout', value: 'TIME', check: readDuration, summary: 'Limit of the clean-up; default 5s' },
      { name: 'depends', value: 'NAMES', summary: 'Services that it needs, separated by commas' },
      { name: 'capability', value: 'NAMES', summary: 'What it can be found by, separated by commas' },
      { name: 'description', value: 'TEXT', summary: 'One line for people' },
      { name: 'data', value: 'JSON', summary: 'A JSON object, shown with it' },
    ],
    examples: [
      { line: 'reeve register nightly --pid 4711 --port 9000', what: 'now ps shows it, and stop ends it' },
      { line: 'reeve register cache --cleanup "rm -rf /tmp/cache"', what: 'no process: only a clean-up' },
    ],
    details: [
      'Needs no daemon: it writes a file to announce/ in the home, which the daemon takes in. Registering a name again replaces what was said; exit code 5 when another live process has the name, 4 when there is no such process, 7 when it is another user’s.',
    ],
    json: '`{ "registrations": [{ name, project, pid, file }] }`',
  },
  {
    name: 'unregister',
    summary: 'Forget what was registered or announced; its process is not touched',
    arguments: [{ name: 'name', complete: 'service' }],
    options: [{ name: 'name', value: 'NAME', summary: 'The same as the argument' }],
    examples: [{ line: 'reeve unregister nightly', what: 'ps does not show it any more' }],
    details: ['Exit codes: 4 nothing is registered under that name; 5 it is a service that lives and says so itself.'],
    json: '`{ "registrations": [{ name, project, pid }] }`',
  },
  {
    name: 'validate',
    summary: 'Check the config; nothing is started',
    arguments: [],
    options: [],
    examples: [
      { line: 'reeve validate', what: 'every problem with its line, and what is meant' },
      { line: 'reeve validate --verbose', what: 'also how each command runs: directly, or through a shell' },
    ],
    details: ['Exit codes: 0 valid, 2 not.'],
    json: '`{ "valid", "project", "config", "problems": [{ file, line, column, path, message, expected, near }], "notes": [...] }`',
  },
  {
    name: 'graph',
    summary: 'Who depends on whom, in the order of the start',
    arguments: [],
    options: [],
    examples: [{ line: 'reeve graph', what: 'as a tree' }],
    json: '`{ "services": [{ name, depends_on: [{ service, condition, required, on_down }], dependents, wave }] }`, in start order',
  },
  {
    name: 'daemon run',
    summary: 'Be the daemon, in the foreground',
    arguments: [],
    options: [],
    examples: [{ line: 'reeve daemon run', what: 'for a terminal, or another supervisor' }],
  },
  {
    name: 'daemon start',
    summary: 'Start the daemon; other commands do it by themselves when they need it',
    arguments: [],
    options: [timeout('How long it may take; default 30s')],
    examples: [{ line: 'reeve daemon start', what: 'it goes on with what was to be up' }],
    json: 'as `daemon status`',
  },
  {
    name: 'daemon stop',
    summary: 'Stop the daemon; services keep running',
    arguments: [],
    options: [
      { name: 'with-services', summary: 'Stop every service first, and print the receipts' },
      timeout('How long it may take; default 30s (with services: as long as their stop takes)'),
    ],
    examples: [
      { line: 'reeve daemon stop', what: 'the next command starts it again and it takes the services over' },
      { line: 'reeve daemon stop --with-services', what: 'leave nothing running' },
    ],
    json: '`{ "stopped", "receipts": [...] }`',
  },
  {
    name: 'daemon status',
    summary: 'Whether the daemon runs, of which version, and what services outlive',
    arguments: [],
    options: [],
    examples: [{ line: 'reeve daemon status', what: 'exit code 0 running, 3 not' }],
    json: '`{ "running", "pid", "version", "home", "url", "started_at", "keeper_pid", "socket", "protocol", "build", "program", "managed_by", "upgrade_pending", "keepers": [{ pid, version, protocol, runs }], "outlives": { logout: { yes, why }, reboot: { yes, why } } }`',
  },
  {
    name: 'daemon upgrade',
    summary: 'Let the daemon of this version take over from the one that runs; services notice nothing',
    arguments: [],
    options: [timeout('How long it may take; default 90s')],
    examples: [{ line: 'reeve daemon upgrade', what: 'after installing a new version' }],
    details: [
      'The new daemon starts beside the old one and tries everything that could fail (its keeper, the schema of the registry) before the old one steps aside; when it fails all the same, the old one goes on. Nobody answers for some tenths of a second. An older keeper goes on holding what it has started, beside a new one.',
      'Exit codes: 0 done, or nothing to do; 1 the new one did not take over; 3 no daemon runs (the next command starts the new one).',
    ],
    json: '`{ "upgraded", "pid", "version", "from": { pid, version }, "away_ms" }`',
  },
  {
    name: 'daemon logs',
    summary: 'What the daemon says of itself',
    arguments: [],
    options: [follow, newest('100')],
    examples: [{ line: 'reeve daemon logs -f', what: 'follow it' }],
    json: 'one line each, as the daemon wrote it',
  },
  {
    name: 'install',
    summary: 'Hand the daemon to systemd: it starts with the machine, or with your session',
    arguments: [],
    options: [
      { name: 'system', summary: 'A unit of the whole machine (needs root); default: one of your user' },
      { name: 'print', summary: 'Only print the unit; write nothing' },
      { name: 'dry-run', summary: 'Say what would be done; do nothing' },
      { name: 'no-start', summary: 'Only write the unit; systemd hears nothing of it' },
    ],
    examples: [
      { line: 'reeve install', what: 'for your user; loginctl enable-linger lets it outlive your session' },
      { line: 'sudo reeve install --system', what: 'for the machine' },
      { line: 'reeve install --print', what: 'look at the unit' },
    ],
    details: [
      'A daemon that runs already is ended first; services keep running, and the daemon of the unit takes them over.',
      'Exit codes: 0 done; 1 systemd does not run here, or refused; 7 --system without root.',
    ],
    json: '`{ "units": [{ path, name, scope, text, enabled }], "steps": [...], "notes": [...] }`',
  },
  {
    name: 'uninstall',
    summary: 'Take the daemon back from systemd; services keep running',
    arguments: [],
    options: [
      { name: 'system', summary: 'The unit of the whole machine (needs root)' },
      { name: 'dry-run', summary: 'Say what would be done; do nothing' },
    ],
    examples: [{ line: 'reeve uninstall', what: 'the next command that needs a daemon starts one' }],
    details: ['Exit codes: 0 done; 4 no such unit is installed; 7 --system without root.'],
    json: 'as `install`',
  },
  {
    name: 'completion',
    summary: 'A script that completes commands, options and names in your shell',
    arguments: [{ name: 'shell', required: true, values: ['bash', 'zsh', 'fish', 'powershell'] }],
    options: [],
    examples: [
      { line: 'source <(reeve completion bash)', what: 'in ~/.bashrc' },
      { line: 'reeve completion fish > ~/.config/fish/completions/reeve.fish', what: 'for fish' },
    ],
  },
  {
    name: 'help',
    summary: 'This help, or that of one command',
    arguments: [{ name: 'command', many: true, complete: 'command' }],
    options: [],
    examples: [{ line: 'reeve help logs', what: 'the same as reeve logs --help' }],
  },
  {
    name: 'version',
    summary: 'The version of reeve',
    arguments: [],
    options: [],
    examples: [{ line: 'reeve version --json', what: 'for programs' }],
    json: '`{ "version", "node", "platform", "control_protocol" }`',
  },
];

/** What the completion scripts ask. Not for people: in no help. */
export const HIDDEN: CommandSpec = {
  name: '__complete',
  summary: '',
  arguments: [{ name: 'words', many: true }],
  options: [],
  verbatimAfter: 0,
  examples: [],
};

export function findCommand(name: string): CommandSpec | null {
  return COMMANDS.find((command) => command.name === name) ?? (name === HIDDEN.name ? HIDDEN : null);
}

/** The second words of a group: `daemon` → run, start, stop, …; empty when it is none. */
export function groupOf(word: string): readonly CommandSpec[] {
  return COMMANDS.filter((command) => command.name.startsWith(`${word} `));
}

/** What can stand first: `up`, `daemon`, … */
export function firstWords(): readonly string[] {
  return [...new Set(COMMANDS.map(({ name }) => name.split(' ')[0] ?? name))];
}
