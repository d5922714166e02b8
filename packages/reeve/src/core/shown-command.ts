/** A command line as it fits into a sentence. */
export function shown(command: string): string {
  return command.length > 80 ? `${command.slice(0, 79)}…` : command;
}
