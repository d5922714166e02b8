import { expect, test } from 'vitest';
import type { Announced } from '../../core/announced/announced.ts';
import { wordsBeside } from './started-manually.ts';

test('a service that was started manually is one process: `web` and `web:0` mean it, `web:1` does not', () => {
  const announced = [{ card: { service: 'Web' } }] as unknown as readonly Announced[];
  expect(wordsBeside(['web', 'web:0', 'web:1', 'db'], announced)).toEqual(['web:1', 'db']);
});
