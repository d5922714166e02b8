import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { renderErrorsReference } from './render-errors-reference.ts';

test('docs/reference/errors.md is what the catalogue says (npm run generate)', () => {
  const page = resolve(import.meta.dirname, '../../../../../docs/reference/errors.md');
  expect(readFileSync(page, 'utf8')).toBe(renderErrorsReference());
});
