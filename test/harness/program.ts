import { existsSync } from 'node:fs';
import path from 'node:path';

const folder = path.resolve(import.meta.dirname, '../programs');
const interpreters = [
  ['.mjs', process.execPath],
  ['.pl', 'perl'],
  ['.py', 'python3'],
  ['.sh', 'sh'],
] as const;

/** argv of one of test/programs: `program('http-server', 'port=8081')`. Throws when there is none of that name. */
export function program(name: string, ...args: readonly string[]): readonly string[] {
  for (const [ending, interpreter] of interpreters) {
    const file = path.join(folder, `${name}${ending}`);
    if (existsSync(file)) return [interpreter, file, ...args];
  }
  throw new Error(`there is no test/programs/${name}`);
}
