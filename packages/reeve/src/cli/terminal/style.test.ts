import { expect, test } from 'vitest';
import { lookOf, speaksUtf8, styleFor, wantsColours } from './style.ts';

const wants = (env: Record<string, string>, isTTY = true, color: string | null = null) =>
  wantsColours({ env, isTTY, color });

test('colours: the option wins over REEVE_COLOR, that over NO_COLOR, that over FORCE_COLOR, and so on', () => {
  expect(wants({})).toBe(true);
  expect(wants({}, false)).toBe(false);
  expect(wants({ NO_COLOR: '1' })).toBe(false);
  expect(wants({ NO_COLOR: '' })).toBe(true);
  expect(wants({ NO_COLOR: '1', FORCE_COLOR: '1' })).toBe(false);
  expect(wants({ REEVE_COLOR: 'always', NO_COLOR: '1' }, false)).toBe(true);
  expect(wants({ REEVE_COLOR: 'always' }, true, 'never')).toBe(false);
  expect(wants({ FORCE_COLOR: '1' }, false)).toBe(true);
  expect(wants({ FORCE_COLOR: '0' }, false)).toBe(false);
  expect(wants({ CLICOLOR_FORCE: '1', TERM: 'dumb' }, false)).toBe(true);
  expect(wants({ CLICOLOR: '0' })).toBe(false);
  expect(wants({ TERM: 'dumb' })).toBe(false);
  expect(wants({ NO_COLOR: '1' }, false, 'always')).toBe(true);
});

test('LC_ALL wins over LC_CTYPE, which wins over LANG', () => {
  expect(speaksUtf8({ LANG: 'de_DE.UTF-8' })).toBe(true);
  expect(speaksUtf8({ LANG: 'de_DE.utf8', LC_ALL: 'C' })).toBe(false);
  expect(speaksUtf8({ LANG: 'C', LC_CTYPE: 'C.UTF-8' })).toBe(true);
  expect(speaksUtf8({})).toBe(false);
});

test('COLUMNS is respected', () => {
  expect(styleFor({ isTTY: true, columns: 80, env: { COLUMNS: '120' }, color: null }).width).toBe(120);
  expect(styleFor({ isTTY: true, columns: 0, env: {}, color: null }).width).toBe(80);
  expect(styleFor({ isTTY: false, columns: 80, env: {}, color: null }).width).toBeNull();
});

test('no two states share a glyph, in UTF-8 and in ASCII', () => {
  const looks = [
    ...(['stopped', 'waiting', 'starting', 'running', 'stopping', 'backoff', 'completed', 'failed'] as const).map(
      (state) => lookOf(state, 'unknown'),
    ),
    lookOf('running', 'unhealthy'),
  ];
  expect(new Set(looks.map(({ glyph }) => glyph)).size).toBe(looks.length);
  expect(new Set(looks.map(({ ascii }) => ascii)).size).toBe(looks.length);
});
