import { describe, expect, test } from 'vitest';
import { type Session, sessionShortfall } from './session-shortfall.ts';

const unlimited = 2n ** 64n - 1n;
const session = (limits: Record<string, bigint>, niceness = 0): Session => ({
  niceness,
  limits: new Map(Object.entries(limits)),
});
const shortfall = (keeper: Session, shell: Session) =>
  sessionShortfall(keeper, { usual: { nofile: 1024n, core: 0n }, other: shell, whose: 'this shell' });

describe('what services lack because of the shell that started the keeper', () => {
  test('U8: a limit below that of the shell that asks, or below the usual one, is said with both amounts', () => {
    expect(shortfall(session({ nofile: 512n }), session({ nofile: 4096n }))).toEqual([
      'at most 512 open files (this shell: 4096)',
    ]);
    expect(shortfall(session({ nofile: 512n }), session({ nofile: 512n }))).toEqual([
      'at most 512 open files (usual: 1024)',
    ]);
    expect(shortfall(session({ as: 1_000_000n }), session({ as: unlimited }))).toEqual([
      'address space of at most 1000000 bytes (this shell: unlimited)',
    ]);
  });

  test('U8: a niceness is said whatever that of the shell that asks, since a clean session has none', () => {
    expect(shortfall(session({}, 5), session({}, 5))).toEqual(['niceness 5 (usual: 0)']);
    expect(shortfall(session({}, 0), session({}, 5))).toEqual([]);
  });

  test('U8: as much as this shell, or more, is nothing to speak of', () => {
    expect(shortfall(session({ nofile: 4096n }), session({ nofile: 4096n }))).toEqual([]);
    expect(shortfall(session({ nofile: 8192n, core: 0n }), session({ nofile: 4096n, core: 0n }))).toEqual([]);
  });

  test('U8: what a user has been given on top of a clean session is not compared', () => {
    expect(shortfall(session({ rtprio: 0n }), session({ rtprio: 95n }))).toEqual([]);
  });
});
