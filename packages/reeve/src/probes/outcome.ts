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

/** The work's outcome, or the signal's reason as a failure as soon as it is aborted. */
export function orAborted(work: Promise<Outcome>, signal: AbortSignal, prefix: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const abort = (): void => resolve(failed(`${prefix}: ${reasonOf(signal)}`));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

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
export function explain(error: NodeJS.ErrnoException, where: string): string {
  const code = error.code ?? '';
  if (code.startsWith('HPE_')) return `${where} does not speak HTTP`;
  return SENTENCES[code]?.(where) ?? `${where}: ${error.message || code}`;
}
