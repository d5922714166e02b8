import { ERRORS, type ErrorCode, type Params, ReeveError } from '@reeve/contract';

const EXIT_CODES: Readonly<Record<number, string>> = {
  1: 'failed',
  2: 'usage or config',
  3: 'not running',
  4: 'not found',
  5: 'conflict',
  6: 'incomplete stop or clean-up',
  7: 'not permitted',
  8: 'timed out',
  9: 'daemon unreachable',
};
/** Each parameter stands for itself: `port {port} is held by {holder}`. */
const SAMPLE = new Proxy({}, { get: (_, name) => `{${String(name)}}` }) as Params;

/** docs/reference/errors.md, from the catalogue. */
export function renderErrorsReference(): string {
  const rows = (Object.keys(ERRORS) as ErrorCode[]).sort().map(row);
  return `<!-- Generated from packages/contract/src/errors.ts by \`npm run generate\`: change it there. -->

# Errors

Every error that reeve shows has a code, a sentence and, where one is known, what to do next. The CLI ends with the exit
code; the HTTP API answers with the status. "Again" says whether the same command may work when it is tried again.
Words in braces are filled in.

| code | sentence | what to do next | exit | HTTP | again |
|---|---|---|---|---|---|
${rows.join('\n')}

## Exit codes

| exit | means | codes |
|---|---|---|
${Object.entries(EXIT_CODES).map(exitRow).join('\n')}
`;
}

function row(code: ErrorCode): string {
  const { exit, http, retryable } = ERRORS[code];
  const { message, hint } = new ReeveError(code, SAMPLE);
  const cells = [
    `\`${code}\``,
    cell(message),
    cell(hint === '{hint}' ? 'told with the error' : (hint ?? '–')),
    exit,
    http,
    retryable ? 'yes' : 'no',
  ];
  return `| ${cells.join(' | ')} |`;
}

function exitRow([exit, means]: readonly [string, string]): string {
  const codes = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => ERRORS[code].exit === Number(exit)).sort();
  return `| ${exit} | ${means} | ${codes.map((code) => `\`${code}\``).join(', ') || '–'} |`;
}

/** Inside backticks Markdown shows `<` as it is, elsewhere it would be HTML. */
function cell(text: string): string {
  const parts = text.replaceAll('|', '\\|').replaceAll('\n', ' ').split('`');
  return parts.map((part, index) => (index % 2 === 0 ? part.replaceAll('<', '&lt;') : part)).join('`');
}
