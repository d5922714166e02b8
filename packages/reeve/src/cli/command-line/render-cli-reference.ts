import { COMMANDS } from './command-list.ts';
import type { CommandSpec, OptionSpec } from './command-table.ts';
import { optionRow } from './help-text.ts';
import { usageLine } from './parse-command-line.ts';
import { GLOBAL_OPTIONS } from './tables/global-options.ts';

const EXIT_CODES: readonly (readonly [number | string, string])[] = [
  [0, 'done'],
  [1, 'failed'],
  [2, 'usage or config'],
  [3, 'not running'],
  [4, 'not found'],
  [5, 'conflict: port, name, single instance, unfinished stop'],
  [6, 'incomplete stop or clean-up'],
  [7, 'not permitted'],
  [8, 'timed out'],
  [9, 'daemon unreachable'],
  [130, 'interrupted (Ctrl-C)'],
  [141, 'what read the output has gone (SIGPIPE)'],
];

/** docs/reference/cli.md, from the command table. */
export function renderCliReference(): string {
  return `<!-- Generated from packages/reeve/src/cli/command-tables by \`npm run generate\`: change it there. -->

# Commands

Results go to standard output, everything else to standard error. On a terminal tables are aligned and coloured (\`--color\`,
\`REEVE_COLOR\`, \`NO_COLOR\`, \`FORCE_COLOR\`); elsewhere they are lines with tabs between the cells, the titles first. Options may
stand anywhere; what follows the command of \`run\` and \`exec\` is that command's.

With \`--json\` the result is one object with one plural key, or one object a line where it streams. Fields are added, never
renamed. An error is then \`{ "error": { "code", "message", "hint" } }\` on standard error; the codes are in
[errors](errors.md).

Commands that read (\`ps\`, \`status\`, \`why\`, \`logs\`, \`events\`, \`ports\`, \`graph\`, \`validate\`) never start the daemon and work without it.

${COMMANDS.map(commandSection).join('\n')}
## Options of every command

${optionTable(GLOBAL_OPTIONS)}
## Exit codes

| code | means |
|---|---|
${EXIT_CODES.map(([code, means]) => `| ${code} | ${means} |`).join('\n')}

When several apply, the first of 2, 4, 6, 5, 8, 7, 1.
`;
}

function commandSection(command: CommandSpec): string {
  const parts = [
    `## reeve ${command.name}\n`,
    `${escaped(command.summary)}.\n`,
    `    ${usageLine(command)}\n`,
    command.examples.map(({ line, what }) => `- \`${line}\`: ${escaped(what)}\n`).join(''),
    ...(command.options.length > 0 ? [optionTable(command.options)] : []),
    ...(command.details ?? []).map((text) => `${escaped(text)}\n`),
    ...(command.json ? [`With \`--json\`: ${command.json}.\n`] : []),
  ];
  return parts.join('\n');
}

function optionTable(options: readonly OptionSpec[]): string {
  const rows = options.map((option) => {
    const [left, right] = optionRow(option);
    return `| \`${left}\` | ${escaped(right).replaceAll('|', '\\|')} |\n`;
  });
  return `| option | |\n|---|---|\n${rows.join('')}`;
}

/** Outside code, a \`<\` would begin a tag. */
function escaped(text: string): string {
  return text.replaceAll('<', '&lt;');
}
