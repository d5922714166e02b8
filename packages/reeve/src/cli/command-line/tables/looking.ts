import type { CommandSpec } from '../command-table.ts';
import { readMoment } from '../read-options.ts';
import { all, follow, newest, service, services, since, timeout } from './options.ts';

/** Look at services and processes; nothing is changed. */
export const LOOKING: readonly CommandSpec[] = [
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
      'Exit codes: 0 it is so; 1 it has failed, or can no longer be; 4 no such service; 8 not in time. A service that is not up is waited for too: it may be started meanwhile.',
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
      { name: 'raw', summary: 'The bytes as they were written: no names, no times, control characters kept' },
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
];
