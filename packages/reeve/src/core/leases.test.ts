import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AutoPortRequest, chooseAutoPort } from './leases.ts';

const wish: AutoPortRequest = {
  folder: '/home/me/shop',
  service: 'web',
  index: 0,
  name: 'http',
  taken: new Set(),
  ephemeral: [32_768, 60_999],
};
const names = fc.record({
  folder: fc.string(),
  service: fc.string(),
  index: fc.nat(50),
  name: fc.option(fc.string(), { nil: null }),
});
const ranges = fc
  .tuple(fc.integer({ min: 1024, max: 65_535 }), fc.integer({ min: 1024, max: 65_535 }))
  .map(([a, b]): readonly [number, number] => (a < b ? [a, b] : [b, a]));

describe('an automatic port', () => {
  test('lies in the range, outside the ephemeral ports where there is an outside, and is free', () => {
    fc.assert(
      fc.property(names, ranges, fc.uniqueArray(fc.integer({ min: 20_000, max: 32_767 })), (who, ephemeral, busy) => {
        const taken = new Set(busy);
        const port = chooseAutoPort({ ...who, ephemeral, taken });
        expect(port).toBeGreaterThanOrEqual(20_000);
        expect(port).toBeLessThanOrEqual(32_767);
        expect(taken.has(port)).toBe(false);
        const [low, high] = ephemeral;
        if (low > 20_000 || high < 32_767) expect(port >= low && port <= high).toBe(false);
      }),
    );
  });

  test('is the same each time, and depends on folder, service, instance and name', () => {
    const port = chooseAutoPort(wish);
    expect(chooseAutoPort({ ...wish })).toBe(port);
    const others = [
      { ...wish, folder: '/home/me/other' },
      { ...wish, service: 'api' },
      { ...wish, index: 1 },
      { ...wish, name: 'admin' },
    ];
    for (const other of others) expect(chooseAutoPort(other)).not.toBe(port);
  });

  test('is the next free one when it is taken', () => {
    const port = chooseAutoPort(wish);
    expect(chooseAutoPort({ ...wish, taken: new Set([port]) })).toBe(port === 32_767 ? 20_000 : port + 1);
  });

  test('comes from the whole range when every port of it is ephemeral', () => {
    const port = chooseAutoPort({ ...wish, ephemeral: [1024, 65_535] });
    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThanOrEqual(32_767);
  });

  test('are refused when all are taken, with the reason', () => {
    const taken = new Set(Array.from({ length: 12_768 }, (_, i) => 20_000 + i));
    expect(() => chooseAutoPort({ ...wish, taken })).toThrow('every port from 20000 to 32767 is taken');
  });

  test('does not collide while fifty of any names are leased one after the other', () => {
    fc.assert(
      fc.property(fc.array(names, { minLength: 50, maxLength: 50 }), (wishes) => {
        const taken = new Set<number>();
        for (const who of wishes) taken.add(chooseAutoPort({ ...who, taken, ephemeral: [32_768, 60_999] }));
        expect(taken.size).toBe(50);
      }),
    );
  });
});
