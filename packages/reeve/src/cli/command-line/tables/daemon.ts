import type { CommandSpec } from '../command-table.ts';
import { follow, newest, timeout } from './options.ts';

/** The daemon itself, and who starts it. */
export const DAEMON: readonly CommandSpec[] = [
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
    examples: [{ line: 'reeve daemon start', what: 'it resumes what was meant to be up' }],
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
    json: '`{ "running", "pid", "version", "home", "url", "started_at", "keeper_pid", "socket", "protocol", "build", "program", "managed_by", "upgrade_pending", "keepers": [{ pid, version, protocol, runs }], "stalls": [{ program, pid, at, ms, doing, during, end }], "outlives": { logout: { yes, why }, reboot: { yes, why } } }`',
  },
  {
    name: 'daemon upgrade',
    summary: 'Let the daemon of this version take over from the one that runs; services notice nothing',
    arguments: [],
    options: [timeout('How long it may take; default 90s')],
    examples: [{ line: 'reeve daemon upgrade', what: 'after installing a new version' }],
    details: [
      'The new daemon starts beside the old one and tries everything that could fail (its keeper, the schema of the registry) before the old one hands over; if it still fails, the old one continues. The daemon does not answer for a few tenths of a second. An older keeper keeps what it has started, beside a new one.',
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
      'A daemon that is already running is ended first; services keep running, and the daemon of the unit takes them over.',
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
];
