/** Sequences that a terminal acts upon, in 7 and 8 bits. Source: ECMA-48 5.3–5.6, xterm ctlseqs. Each alternative is linear. */
const SEQUENCES = new RegExp(
  [
    '(?:\\x1b\\[|\\x9b)[0-?]*[ -/]*[@-~]?', // CSI: cursor, colours, modes
    '(?:\\x1b[\\]PX^_]|[\\x9d\\x90\\x98\\x9e\\x9f])[^\\x07\\x1b\\x9c]*(?:\\x07|\\x1b\\\\|\\x9c)?', // OSC, DCS, SOS, PM, APC
    '\\x1b[ -/]*[0-~]?', // every other escape
    '[\\x00-\\x08\\x0a-\\x1f\\x7f-\\x9f]', // C0 but tab, DEL, C1
  ].join('|'),
  'g',
);
const COLOUR = /^\x1b\[[0-9;:]*m$/;
const RESET = '\x1b[0m';

/**
 * What a terminal would show of a line that returns to its beginning (a progress bar): what was written last. All of
 * it is in the file, in `--raw` and in `--json`.
 */
function lastState(line: string): string {
  if (!line.includes('\r')) return line;
  return line.split('\r').findLast((part) => part !== '') ?? '';
}

/**
 * A line as it may be put on a terminal: nothing in it can move the cursor, change the title or the clipboard, or ask
 * the terminal anything. With `colours` the SGR sequences stay, and the line ends without any of them in force.
 */
export function lineSafe(line: string, options: { readonly colours: boolean }): string {
  const keep = (sequence: string) => (options.colours && COLOUR.test(sequence) ? sequence : '');
  const safe = lastState(line).replace(SEQUENCES, keep);
  return safe.includes('\x1b') && !safe.endsWith(RESET) ? safe + RESET : safe;
}
