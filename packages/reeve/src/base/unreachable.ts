/** Ends a switch that must be complete: a new case is a compile error here, and a bug if it is ever reached. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
