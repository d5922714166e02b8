import { existsSync, renameSync } from 'node:fs';
import { type Instant, iso } from '../base/instant.ts';

const COMPANIONS = ['', '-wal', '-shm'];

/**
 * Gives a registry that cannot be used another name, with what lies beside it. Nothing is deleted: a person may still get
 * something out of it. Returns the new name; null: no such file was there.
 */
export function setAside(file: string, at: Instant): string | null {
  const there = COMPANIONS.filter((end) => existsSync(file + end));
  const aside = freeName(`${file}.set-aside.${iso(at).replaceAll(/[:.]/g, '-')}`);
  for (const end of there) renameSync(file + end, aside + end);
  return there.includes('') ? aside : null;
}

function freeName(name: string): string {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name}.${number}`;
    if (COMPANIONS.every((end) => !existsSync(candidate + end))) return candidate;
  }
}
