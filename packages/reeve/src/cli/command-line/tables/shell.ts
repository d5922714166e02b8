import type { CommandSpec } from '../command-table.ts';

/** reeve as a command of your shell. */
export const SHELL: readonly CommandSpec[] = [
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
