/** For the person who runs the program; on stderr, once a text. */
export function warn(code: string, message: string): void {
  process.emitWarning(message, { type: 'ReeveWarning', code });
}
