/** What a process hands on to whatever it starts. Limits: hard ones, by their names. */
export interface Session {
  readonly niceness: number;
  readonly limits: ReadonlyMap<string, bigint>;
}

/** The limits that decide whether a program works, in words, and how their amounts read. */
const WORDS: ReadonlyMap<string, readonly [what: string, unit: 'bytes' | 'seconds' | '']> = new Map([
  ['nofile', ['open files', '']],
  ['nproc', ['processes', '']],
  ['as', ['address space', 'bytes']],
  ['data', ['data', 'bytes']],
  ['stack', ['stack', 'bytes']],
  ['memlock', ['locked memory', 'bytes']],
  ['fsize', ['file size', 'bytes']],
  ['core', ['core files', 'bytes']],
  ['cpu', ['CPU time', 'seconds']],
]);
const UNLIMITED = 2n ** 64n - 1n;

/** What to compare with: what is the same in every clean session, and what another process hands on. */
export interface Measure {
  /** Soft limits: a hard limit below cannot be right. */
  readonly usual: Readonly<Record<string, bigint>>;
  readonly other: Session;
  /** Whose that is, in words. */
  readonly whose: string;
}

/** Where `keeper` hands on less than it should: "at most 512 open files (this shell: 20000)". */
export function sessionShortfall(keeper: Session, { usual, other, whose }: Measure): readonly string[] {
  const lacking: string[] = [];
  for (const [name, [what, unit]] of WORDS) {
    const has = keeper.limits.get(name) ?? UNLIMITED;
    const there = other.limits.get(name) ?? has;
    const due = usual[name] ?? has;
    if (has < there) lacking.push(`${atMost(what, has, unit)} (${whose}: ${amount(there, unit)})`);
    else if (has < due) lacking.push(`${atMost(what, has, unit)} (usual: ${amount(due, unit)})`);
  }
  if (keeper.niceness > 0) lacking.push(`niceness ${keeper.niceness} (usual: 0)`);
  return lacking;
}

const atMost = (what: string, has: bigint, unit: string): string =>
  unit === '' ? `at most ${has} ${what}` : `${what} of at most ${amount(has, unit)}`;
const amount = (value: bigint, unit: string): string =>
  value === UNLIMITED ? 'unlimited' : `${value}${unit && ` ${unit}`}`;
