import type { CommandSpec } from '../command-table.ts';
import { readDuration } from '../read-options.ts';
import { all, force, services, timeout } from './options.ts';

/** What services say of themselves, and how it is cleaned up. */
export const ANNOUNCING: readonly CommandSpec[] = [
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
      'Checks whether the process of an announcement is alive (live, stale: it was killed, stopped) and whether its ports are open. Differences between what a service announces and its config are listed. Needs no daemon.',
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
      'For each service: its own clean-up while it lives, the stop, its clean-up command, and then a check that its processes have ended and its ports are free. A clean-up that fails, hangs or leaves something is reported; the others still run.',
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
];
