import { randomBytes } from 'node:crypto';
import type { Instant } from '../base/instant.ts';

const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const RANDOM_BITS = 80n;
const TIME_MAX = 2 ** 48 - 1;

/**
 * Makes ids that sort by when they were made: 48 bits of time, 80 of chance, as 26 letters (ULID). Each is greater than
 * the one before, also when the clock stands still or goes back. A clock before 1970 counts as 1970.
 */
export function ulids(now: () => Instant): () => string {
  let last = 0n;
  return () => {
    const time = BigInt(Math.min(Math.max(0, now()), TIME_MAX)) << RANDOM_BITS;
    const fresh = time | BigInt(`0x${randomBytes(10).toString('hex')}`);
    last = fresh > last ? fresh : last + 1n;
    return encode(last);
  };
}

function encode(value: bigint): string {
  const digits = value.toString(32).padStart(26, '0');
  return digits.replace(/./g, (digit) => DIGITS[Number.parseInt(digit, 32)] ?? digit);
}
