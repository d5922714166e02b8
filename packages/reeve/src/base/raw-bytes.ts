/**
 * Bytes that are not UTF-8 travel in strings as lone surrogates, U+DC80 to U+DCFF, a byte each: no text has them, and JSON
 * carries them.
 */
const LOWEST = 0xdc80;
const ESCAPED = /[\uDC80-\uDCFF]/u;

export function hasRawBytes(text: string): boolean {
  return ESCAPED.test(text);
}

/** UTF-8, with every byte kept that is none. */
export function textOfBytes(bytes: Uint8Array): string {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    return decoder.decode(bytes);
  } catch {
    return pieces(bytes, decoder);
  }
}

function pieces(bytes: Uint8Array, decoder: InstanceType<typeof TextDecoder>): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = lengthOf(bytes, at);
    const char = length === 1 && (bytes[at] as number) < 0x80 ? String.fromCharCode(bytes[at] as number) : null;
    const decoded = char ?? whole(bytes.subarray(at, at + length), decoder);
    text += decoded ?? String.fromCharCode(LOWEST + (bytes[at] as number) - 0x80);
    at += decoded === null ? 1 : length;
  }
  return text;
}

function lengthOf(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

function whole(bytes: Uint8Array, decoder: InstanceType<typeof TextDecoder>): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

/** The bytes that {@link textOfBytes} was given. */
export function bytesOfText(text: string): Buffer {
  const parts = text.split(/([\uDC80-\uDCFF])/u);
  return Buffer.concat(
    parts.map((part) => (hasRawBytes(part) ? Buffer.from([part.charCodeAt(0) - LOWEST + 0x80]) : Buffer.from(part))),
  );
}
