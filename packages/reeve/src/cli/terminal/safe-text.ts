/**
 * Text of others (names, reasons, command lines, log lines) on its way to a terminal: no character of it may move the
 * cursor, clear, colour, or turn the direction of what follows. Source: FAULTS S25.
 */
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
const ESCAPES =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|(?:\u001b[PX^_]|[\u0090\u0098\u009e\u009f])[^\u001b\u009c]*(?:\u001b\\|\u009c)?|\u001b[ -/]*[0-~]?/g;

/** May keep line breaks and tabs. Escape sequences vanish whole, what is left of control characters becomes visible. */
export function safeText(text: string): string {
  return text.replace(ESCAPES, '').replace(UNSAFE, '\uFFFD');
}

/** For a cell or a line: breaks and tabs become spaces. */
export function oneLine(text: string): string {
  return safeText(text.replace(/\s*[\r\n\t]+\s*/g, ' ').trim());
}
