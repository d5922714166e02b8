const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const WITHOUT = /^(?:\p{Mn}|\p{Me}|\p{Cf})$/u;
const PLAIN = /^[\x20-\x7e]*$/;

/** Columns that a text takes on a terminal. It holds no control characters any more. */
export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += WITHOUT.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
  return width;
}

/** At most `width` columns, the end replaced by `cut` when something had to go. */
export function fit(text: string, width: number, cut: string): string {
  if (displayWidth(text) <= width) return text;
  const room = width - displayWidth(cut);
  if (room <= 0) return cut.slice(0, Math.max(0, width));
  let kept = '';
  let used = 0;
  for (const char of text) {
    const next = used + displayWidth(char);
    if (next > room) break;
    kept += char;
    used = next;
  }
  return `${kept.trimEnd()}${cut}`;
}
