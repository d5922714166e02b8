import type { CommandSpec } from '../command-table.ts';

/** Read the config; nothing is started. */
export const CONFIG: readonly CommandSpec[] = [
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
];
