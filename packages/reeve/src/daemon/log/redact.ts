import { isSecretName, MASK, maskEnvironment } from '../../core/spec/environment.ts';

/** Deeper than this is not shown: it also ends cycles. */
const DEPTH = 8;

/** A copy in which every value under a secret-looking name, and every password inside a URL, is masked. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return maskEnvironment({ _: value })['_'];
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (depth >= DEPTH) return '[too deep]';
  if (Array.isArray(value)) return value.map((each) => redact(each, depth + 1));
  const masked = Object.entries(value).map(([name, inner]): [string, unknown] => [
    name,
    isSecretName(name) && inner !== null && inner !== undefined ? MASK : redact(inner, depth + 1),
  ]);
  return Object.fromEntries(masked);
}
