/** What one kind of probe found; `what` is one sentence without a full stop (core/interfaces.ts, ProbeAnswer). */
export interface Outcome {
  readonly ok: boolean;
  readonly what: string;
}

export function failed(what: string): Outcome {
  return { ok: false, what };
}

/** Why the signal was aborted, as words: `no answer within 2 s`. */
export function reasonOf(signal: AbortSignal): string {
  return signal.reason instanceof Error ? signal.reason.message : 'aborted';
}

/** The work's result, or the signal's reason as a failure as soon as it is aborted. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal, prefix: string): Promise<T | Outcome> {
  return new Promise<T | Outcome>((resolve, reject) => {
    const abort = (): void => resolve(failed(`${prefix}: ${reasonOf(signal)}`));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** What one address answered. `isRefused`: nothing took the connection there, so another address may be asked. */
export interface Attempt extends Outcome {
  readonly isRefused?: true;
}

/** A failure of the socket itself. */
export function failedSocket(error: NodeJS.ErrnoException, where: string, prefix = ''): Attempt {
  const outcome = failed(`${prefix}${explain(error, where)}`);
  return REFUSALS.has(error.code ?? '') ? { ...outcome, isRefused: true } : outcome;
}

/** Asks one address after the other, the next one only where the last was refused. The first refusal is the news. */
export async function firstToAccept(
  hosts: readonly string[],
  ask: (host: string) => Promise<Attempt>,
): Promise<Outcome> {
  let first: Attempt | null = null;
  for (const host of hosts) {
    const { isRefused, ...outcome } = await ask(host);
    if (!isRefused) return outcome;
    first ??= outcome;
  }
  return first ?? failed('there is no address to ask');
}

/** `[::1]:80`. */
export function placeOf(host: string, port: number | string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Nothing listens there, or the machine has no such address (a loopback without IPv6). */
const REFUSALS: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENETUNREACH']);

const SENTENCES: Readonly<Record<string, (where: string) => string>> = {
  ECONNREFUSED: (where) => `connection refused on ${where}`,
  ECONNRESET: (where) => `${where} closed the connection`,
  EPIPE: (where) => `${where} closed the connection`,
  ENOTFOUND: (where) => `no such host: ${where}`,
  EAI_AGAIN: (where) => `the name of ${where} cannot be looked up now`,
  ETIMEDOUT: (where) => `${where} does not answer`,
  EHOSTUNREACH: (where) => `no route to ${where}`,
  ENETUNREACH: (where) => `no route to ${where}`,
  EADDRNOTAVAIL: (where) => `${where} is not an address of this machine`,
};

/** An error of a socket as a sentence. */
function explain(error: NodeJS.ErrnoException, where: string): string {
  const code = error.code ?? '';
  if (code.startsWith('HPE_')) return `${where} does not speak HTTP`;
  return SENTENCES[code]?.(where) ?? `${where}: ${error.message || code}`;
}
