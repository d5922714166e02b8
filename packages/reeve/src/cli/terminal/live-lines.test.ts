import { expect, test } from 'vitest';
import { LiveLines } from './live-lines.ts';
import { styleFor } from './style.ts';

/** A terminal of so many columns that wraps anew when it is resized. */
function terminal(columns: number, rows = 30) {
  let written = '';
  const screen = {
    isTTY: true,
    columns,
    rows,
    write: (text: string | Uint8Array) => {
      written += String(text);
    },
    taken: () => {
      const last = written;
      written = '';
      return last;
    },
  };
  return screen;
}
const style = styleFor({ isTTY: true, columns: 110, env: { LANG: 'C.UTF-8' }, color: null });

test('U15: after a resize lines are cut to the new width, and what the terminal has wrapped meanwhile is written over', () => {
  const out = terminal(110);
  const long = 'x'.repeat(200);
  using live = new LiveLines(out, style, () => [long, 'short']);
  expect(out.taken()).toBe(`${'x'.repeat(108)}…\nshort\n`);
  out.columns = 70;
  live.draw();
  // 109 columns are two rows of 70.
  expect(out.taken()).toBe(`\u001b[3A\r\u001b[J${'x'.repeat(68)}…\nshort\n`);
  live.draw();
  expect(out.taken()).toBe('');
  out.columns = 110;
  live.draw();
  expect(out.taken()).toBe(`\u001b[2A\r\u001b[J${'x'.repeat(108)}…\nshort\n`);
});

test('U15: a frame never has more lines than can be written over', () => {
  const out = terminal(110, 8);
  const rooms: number[] = [];
  using _live = new LiveLines(out, style, (room) => {
    rooms.push(room);
    return Array.from({ length: 50 }, (_, i) => `line ${i}`);
  });
  expect(rooms).toEqual([6]);
  expect(out.taken().split('\n')).toHaveLength(7);
});

test('what is kept stays, and is not written over', () => {
  const out = terminal(110);
  const live = new LiveLines(out, style, () => ['one']);
  live.keep();
  live[Symbol.dispose]();
  expect(out.taken()).toBe('one\n');
});
