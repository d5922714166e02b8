import type { OptionSpec } from '../command-table.ts';

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
