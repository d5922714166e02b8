import type { CommandSpec } from '../command-table.ts';
import { all, force, services, timeout } from './options.ts';

/** Start and stop what the config declares. */
export const LIFECYCLE: readonly CommandSpec[] = [
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
      'On a terminal without -d, and with --attach anywhere, the logs are shown once all is ready. Ctrl-C or SIGTERM then stops the named services (all, if none was named) and prints the receipt; a second Ctrl-C prints a reminder, a third detaches and leaves the stop to the daemon; a hang-up leaves them running. What happens to the services (restarts, failures) is shown between their lines. Without a terminal and without --attach it returns like with -d.',
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
      timeout("Limit of the whole command; default: the longest chain of the services' grace periods, at least 10s"),
      force,
    ],
    examples: [
      { line: 'reeve stop', what: 'everything of this project' },
      { line: 'reeve stop web api', what: 'two of them' },
      { line: 'reeve stop --all', what: 'every project' },
    ],
    details: [
      'Prints the receipt: COMPLETE, or INCOMPLETE with the survivors and why they live (exit code 6). Nothing running is COMPLETE too. Exit code 4: no such service.',
      'When the limit is over, whatever is left is killed, but nothing that has not had the stop signal for at least a second; killing and verifying take up to 5s more. A service that a newer command (start, up, restart) wants is left to it, and the receipt says so.',
      'What another daemon has started for a service (a container, a tmux session) is not seen: remove it by stop.command. A process outside the cgroup of its service that has REEVE_DETACHED=1 in its environment is left alone, and named.',
    ],
    json: 'the receipt: `{ "project", "status": "COMPLETE"|"INCOMPLETE", "services": [{ name, promise, promise_reason, processes, ports }], "survivors", "taken_over": [{ service, by }] (absent when empty), "ms" }`; with `--all` `{ "receipts": [...] }`',
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
];
