import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../root.mjs';

const permissive = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'PostgreSQL',
  'Unlicense',
]);

/** Everything that is installed to run reeve or its examples (not to build or test it) has a permissive licence. */
export async function licencesArePermissive() {
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  const used = Object.entries(packages).filter(
    ([place, entry]) => place.includes('node_modules/') && !entry.dev && !entry.link,
  );
  if (used.length === 0) throw new Error('package-lock.json names no packages: the check would say nothing');
  const refused = used.flatMap(([place, entry]) => {
    const licence = licenceOf(place, entry);
    return isPermissive(licence) ? [] : [`${place}: ${licence ?? 'no licence named'}`];
  });
  if (refused.length > 0) throw new Error(`licences that are not on the list:\n  ${refused.join('\n  ')}`);
}

/** Binaries for other machines are not installed: for them the lockfile must do. */
function licenceOf(place, entry) {
  const file = path.join(root, place, 'package.json');
  const { license } = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : entry;
  return typeof license === 'object' ? license?.type : license;
}

/** Understands `A`, `(A OR B)` and `A AND B`. */
function isPermissive(licence) {
  if (typeof licence !== 'string') return false;
  const choices = licence.replace(/[()]/g, '').split(' OR ');
  return choices.some((choice) => choice.split(' AND ').every((name) => permissive.has(name.trim())));
}
