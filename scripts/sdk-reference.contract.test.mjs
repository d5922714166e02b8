import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { renderSdkReference } from './sdk-reference.mjs';

const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'rv-reference-')));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The page of a package with these source files, by the names that the sdk has. */
function pageOf(files) {
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, `${name}.ts`), text);
  const names = Object.keys(files);
  writeFileSync(path.join(folder, 'index.ts'), names.map((name) => `export * from './${name}.ts';\n`).join(''));
  return renderSdkReference(path.join(folder, 'index.ts'));
}

test('names, signatures, members and inherited fields are shown with their docstrings', async () => {
  const page = await pageOf({
    hunt: `
      interface Base {
        /** Milliseconds. */
        readonly timeout?: number | null;
      }
      /** How to look. */
      export interface Options extends Base { readonly deep: boolean }
      /** Looks for \`a<b>\` and <c>. */
      export async function look(options: Options): Promise<void> {}
      /** A seeker. */
      export class Seeker {
        #hidden = 1;
        private secret(): void {}
        /** Continues. */
        async next(
          times: number,
        ): Promise<void> {}
      }`,
  });
  expect(page).toContain(
    '### look\n\nLooks for `a<b>` and &lt;c>.\n\n```ts\nfunction look(options: Options): Promise<void>\n```',
  );
  expect(page).toContain('| `deep` | `boolean` |  |\n| `timeout?` | `number \\| null` | Milliseconds. |');
  expect(page).toContain('### Seeker\n\nA seeker.\n\n- `next(times: number): Promise<void>`  \n  Continues.\n');
  expect(page).not.toMatch(/hidden|secret/);
});

test('what has no docstring, or no chapter, is named with its place', async () => {
  const page = pageOf({
    hunt: 'export function bare(): void {}\n/** Told. */\nexport class Told {\n  mute(): void {}\n}\n',
    elsewhere: '/** Told. */\nexport const there = (): void => {};\n',
  });
  await expect(page).rejects.toThrow(/bare has no docstring \(.*hunt\.ts:1\)/);
  await expect(page).rejects.toThrow(/Told\.mute has no docstring \(.*hunt\.ts:4\)/);
  await expect(page).rejects.toThrow(/there: no chapter has elsewhere\.ts/);
});
