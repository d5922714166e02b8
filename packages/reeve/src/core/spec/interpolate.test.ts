import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasReference, interpolate, lookupIn, parseTemplate } from './interpolate.ts';

const scope = {
  env: { A: 'one', EMPTY: '', 'with space': 'no' },
  ports: { http: 8081, 'http-api': 9000 },
  instance: 2,
  project: 'shop',
};
const fill = (text: string) => interpolate(text, lookupIn(scope));
const text = (written: string) => {
  const filled = fill(written);
  return filled.ok ? filled.text : filled.bad;
};

describe('interpolation', () => {
  test.each([
    ['plain', 'plain'],
    ['${A}', 'one'],
    ['x${A}y${A}', 'xoneyone'],
    ['${MISSING:-default}', 'default'],
    ['${EMPTY:-default}', 'default'],
    ['${EMPTY}', ''],
    ['${A:-default}', 'one'],
    ['${MISSING:-}', ''],
    ['${MISSING:-${A}}', 'one'],
    ['${MISSING:-${ALSO:-x}}!', 'x!'],
    ['${MISSING:-a:-b}', 'a:-b'],
    ['${ports.http}', '8081'],
    ['${ports.http-api}', '9000'],
    ['${instance} of ${project}', '2 of shop'],
    ['$${A}', '${A}'],
    ['$$${A}', '$${A}'],
    ['$A $(A) $', '$A $(A) $'],
    ['}', '}'],
  ])('%j becomes %j', (written, result) => {
    expect(text(written)).toBe(result);
  });

  test('every unknown reference is reported, with its place', () => {
    expect(text('a ${B} ${A} ${ports.x}')).toEqual([
      { at: 2, written: '${B}', why: 'is not known' },
      { at: 12, written: '${ports.x}', why: 'is not known' },
    ]);
  });
  test('an unknown reference inside a default is reported only when the default is needed', () => {
    expect(text('${A:-${B}}')).toBe('one');
    expect(text('${B:-${C}}')).toEqual([{ at: 5, written: '${C}', why: 'is not known' }]);
  });
  test.each(['${', '${A', '${}', '${A-b}', '${#A}', '${A%%.*}', '${a b}', '${ports.}', '${A:?x}'])(
    '%s is not a form that is replaced',
    (written) => {
      expect(fill(written).ok).toBe(false);
    },
  );
  test.each(['__proto__', 'constructor', 'toString'])('%s is not found in the prototype', (name) => {
    expect(fill(`\${${name}}`).ok).toBe(false);
    expect(fill(`\${ports.${name}}`).ok).toBe(false);
  });
  test('text without ${ is never changed, and pieces cover the whole text', () => {
    fc.assert(
      fc.property(fc.string(), (any) => {
        if (!hasReference(any)) expect(text(any)).toBe(any);
      }),
    );
  });
  test('an escaped text comes out as it went in', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', 'A', ':', '-', ' ') }), (any) => {
        // A `$` right before an escaped `${` would be read as part of the escape.
        if (any.includes('$${')) return;
        expect(text(any.replaceAll('${', () => '$${'))).toBe(any);
      }),
    );
  });
  test('any text is either a template or told to be wrong at a place inside it', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', 'A', ':', '-', '.', 'ports.') }), (any) => {
        const template = parseTemplate(any);
        if (!template.ok) expect(any.slice(template.bad.at, template.bad.at + 2)).toBe('${');
      }),
    );
  });
});
