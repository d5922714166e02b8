import { accessSync, closeSync, constants, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import { SpawnRefused } from '../refusal.ts';

/** The kernel looks at so much of a script's first line. Source: BINPRM_BUF_SIZE. */
const FIRST_LINE = 256;
const HEADERS = 4096;
const ELF = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);
/** What a 64-bit kernel runs beside its own. Source: elf(5), e_machine. */
const ALSO: ReadonlyMap<number, number> = new Map([
  [62, 3],
  [183, 40],
]);
const MACHINES: ReadonlyMap<number, string> = new Map([
  [3, 'x86 (32 bits)'],
  [8, 'MIPS'],
  [40, 'ARM (32 bits)'],
  [62, 'x86-64'],
  [183, 'ARM64'],
  [243, 'RISC-V'],
]);

/** Finds a program by name, as the kernel's `env` would; null: there is none. */
export type FindByName = (name: string) => boolean;

/** Why execve would refuse a file that is there and may be executed, as far as the file says so; null: nothing is seen. */
export function whyNotExecutable(file: string, cwd: string, isInPath: FindByName): SpawnRefused | null {
  const start = firstBytes(file);
  if (start === null) return null; // executable and not readable: the kernel will tell
  if (start.length === 0) return new SpawnRefused('ENOEXEC', `${file} is empty: there is nothing to execute`);
  if (start.toString('latin1', 0, 2) === '#!') return whyNoInterpreter(file, start, cwd, isInPath);
  if (start.subarray(0, 4).equals(ELF)) return whyNoElf(file, start);
  if (start.includes(0) && !hasOtherFormats())
    return new SpawnRefused('ENOEXEC', `${file} is neither a script nor a program for this system`);
  return null;
}

/** Why a file that may not be executed may not. */
export function whyDenied(file: string): SpawnRefused {
  const { mode } = statSync(file);
  if ((mode & 0o111) === 0) return new SpawnRefused('EACCES', `${file} is not executable: chmod +x makes it so`);
  const mount = noexecMount(file);
  if (mount !== null)
    return new SpawnRefused('EACCES', `${file} lies on ${mount}, which is mounted noexec: nothing there is executed`);
  return new SpawnRefused('EACCES', `${file} may not be executed by this user: see ls -l ${file}`);
}

function whyNoInterpreter(file: string, start: Buffer, cwd: string, isInPath: FindByName): SpawnRefused | null {
  const line = start.toString('utf8', 2, FIRST_LINE).split('\n')[0] ?? '';
  const [interpreter = '', argument = ''] = line.trimStart().split(/[ \t]+/);
  const isByName = path.basename(interpreter.trimEnd()) === 'env';
  if (interpreter.endsWith('\r') || (isByName && line.endsWith('\r'))) {
    const convert = `convert it: sed -i 's/\\r$//' ${file}`;
    return new SpawnRefused('ENOENT', `the first line of ${file} ends with a carriage return (Windows); ${convert}`);
  }
  if (interpreter === '') return null;
  const why = whyNotThere(path.resolve(cwd, interpreter));
  if (why !== null) return new SpawnRefused(why.errno, `the interpreter ${interpreter} of ${file} ${why.text}`);
  if (!isByName || argument === '' || /^-|=/.test(argument) || isInPath(argument)) return null;
  return new SpawnRefused('ENOENT', `the interpreter ${argument} of ${file} is not in PATH`);
}

function whyNotThere(file: string): { readonly errno: string; readonly text: string } | null {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return { errno: 'ENOENT', text: 'does not exist' };
  if (stat.isDirectory()) return { errno: 'EACCES', text: 'is a folder' };
  try {
    accessSync(file, constants.X_OK);
    return null;
  } catch {
    return { errno: 'EACCES', text: 'may not be executed' };
  }
}

function whyNoElf(file: string, start: Buffer): SpawnRefused | null {
  if (start.length < 64) return new SpawnRefused('ENOEXEC', `${file} is damaged: it ends within its first header`);
  const machine = start.readUInt16LE(18);
  const own = ownMachine();
  if (own !== null && machine !== own && machine !== ALSO.get(own) && !hasOtherFormats()) {
    const its = MACHINES.get(machine) ?? `machine ${machine}`;
    const ours = MACHINES.get(own) ?? `machine ${own}`;
    return new SpawnRefused('ENOEXEC', `${file} is a program for ${its}, and this system is ${ours}`);
  }
  return start[4] === 2 && start[5] === 1 ? whyNoSegments(file, start) : null;
}

const PT_LOAD = 1;
const PT_INTERP = 3;

/** Of a 64-bit program: whether all of it is there, and the loader that it names. */
function whyNoSegments(file: string, start: Buffer): SpawnRefused | null {
  const { size } = statSync(file);
  const [table, length, count] = [Number(start.readBigUInt64LE(32)), start.readUInt16LE(54), start.readUInt16LE(56)];
  for (let n = 0; n < count; n++) {
    const at = table + n * length;
    if (at + 56 > start.length) return null; // further in than was read
    const [type, offset, bytes] = [
      start.readUInt32LE(at),
      Number(start.readBigUInt64LE(at + 8)),
      Number(start.readBigUInt64LE(at + 32)),
    ];
    if (type === PT_LOAD && offset + bytes > size)
      return new SpawnRefused('ENOEXEC', `${file} is damaged: its end is missing`);
    if (type !== PT_INTERP || offset + bytes > start.length) continue;
    const loader = start.toString('utf8', offset, offset + bytes - 1);
    const why = whyNotThere(loader);
    if (why !== null) return new SpawnRefused(why.errno, `the loader ${loader} of ${file} ${why.text}`);
  }
  return null;
}

function firstBytes(file: string): Buffer | null {
  let fd: number | null = null;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const bytes = Buffer.alloc(HEADERS);
    return bytes.subarray(0, readSync(fd, bytes, 0, HEADERS, 0));
  } catch {
    return null;
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

function ownMachine(): number | null {
  const start = firstBytes('/proc/self/exe');
  return start?.subarray(0, 4).equals(ELF) ? start.readUInt16LE(18) : null;
}

/** Whether this kernel has been taught to run other formats (binfmt_misc): emulators, Java, Wine. */
function hasOtherFormats(): boolean {
  try {
    return readdirSync('/proc/sys/fs/binfmt_misc').some((name) => name !== 'register' && name !== 'status');
  } catch {
    return false;
  }
}

/** The mount that a file lies on, where nothing may be executed. */
function noexecMount(file: string): string | null {
  try {
    const mounts = readFileSync('/proc/self/mounts', 'utf8').trim().split('\n');
    const [, on = '', , options = ''] =
      mounts
        .map((line) => line.split(' '))
        .filter(([, folder = '']) => file === folder || file.startsWith(folder === '/' ? '/' : `${folder}/`))
        .toSorted((a, b) => (a[1]?.length ?? 0) - (b[1]?.length ?? 0))
        .at(-1) ?? [];
    return options.split(',').includes('noexec') ? on : null;
  } catch {
    return null;
  }
}
