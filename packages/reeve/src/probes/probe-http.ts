import type { ClientRequest, IncomingMessage } from 'node:http';
import type { HttpCheck } from '@reeve/contract';
import { compilePattern, type Pattern, PatternProblem, PatternTooSlow } from '../base/pattern.ts';
import type { ProbeTarget } from '../core/interfaces.ts';
import { type Attempt, failed, failedSocket, firstToAccept, type Outcome, placeOf, reasonOf } from './outcome.ts';
import { findOwn, type WhoHolds } from './own-listener.ts';

/** How much of a body is looked at. Bytes. */
const BODY_BYTES = 64 << 10;

/**
 * One GET: no redirect is followed, nothing is decompressed, the connection is not kept. Ends at the signal however
 * slowly or endlessly the other side talks. Without a `body` pattern the head alone decides. A `/path` is asked where
 * the service itself listens on its first TCP port; a URL is asked as it is.
 */
export async function probeHttp(
  check: HttpCheck,
  target: ProbeTarget,
  whoHolds: WhoHolds,
  signal: AbortSignal,
): Promise<Outcome> {
  // Loaded at the first probe: a daemon without HTTP checks does not pay for it.
  const body = check.body === null ? null : await compilePattern(check.body).catch(notAPattern);
  if (typeof body === 'string') return failed(`/${check.body}/: ${body}`);
  const accepted: Accepted = { status: check.status, body };
  if (!check.url.startsWith('/')) return askAt(check.url, accepted, signal);
  const [port] = target.ports;
  if (port === undefined) return failed(`${check.url}: the service has no TCP port to ask`);
  const hosts = await findOwn(port, target, whoHolds, signal);
  if ('ok' in hosts) return hosts;
  return firstToAccept(hosts, (host) => askAt(`http://${placeOf(host, port)}${check.url}`, accepted, signal));
}

async function askAt(text: string, accepted: Accepted, signal: AbortSignal): Promise<Attempt> {
  const url = urlOf(text);
  if (typeof url === 'string') return failed(url);
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  return new Promise((resolve) => {
    const what = `GET ${shown(url)}`;
    const sent = request(url, {
      agent: false,
      headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'reeve', connection: 'close' },
      // The question is whether our own service answers, not who it is: its certificate is its own affair.
      rejectUnauthorized: !isLoopback(url.hostname),
    });
    const abort = (): void => settle(failed(`${what}: ${reasonOf(signal)}`));
    const settle = (outcome: Attempt): void => {
      signal.removeEventListener('abort', abort);
      resolve(outcome);
      sent.destroy();
    };
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    listen(sent, accepted, what, url, settle);
  });
}

function notAPattern(error: unknown): string {
  if (error instanceof PatternProblem) return error.message;
  throw error;
}

type Settle = (outcome: Attempt) => void;
interface Accepted {
  readonly status: HttpCheck['status'];
  readonly body: Pattern | null;
}

function listen(sent: ClientRequest, check: Accepted, what: string, url: URL, settle: Settle): void {
  sent.on('response', (response) => judge(response, check, what, settle));
  sent.on('error', (error) => settle(failedSocket(error, whereOf(url), `${what}: `)));
  sent.on('close', () => settle(failed(`${what}: closed without an answer`)));
  sent.end();
}

function judge(response: IncomingMessage, check: Accepted, what: string, settle: Settle): void {
  const status = response.statusCode ?? 0;
  const said = `${what} ${status}`;
  const isAccepted = check.status.some(([low, high]) => low <= status && status <= high);
  if (isAccepted && check.body !== null) readBody(response, check.body, said, settle);
  else settle({ ok: isAccepted, what: said });
}

function readBody(response: IncomingMessage, pattern: Pattern, said: string, settle: Settle): void {
  const pieces: Buffer[] = [];
  let size = 0;
  const decide = (): void => {
    response.removeAllListeners('data');
    settle(judgeBody(Buffer.concat(pieces).subarray(0, BODY_BYTES), pattern, said));
  };
  response.on('data', (piece: Buffer) => {
    pieces.push(piece);
    size += piece.length;
    if (size >= BODY_BYTES) decide();
  });
  response.on('end', decide);
  response.on('error', () => settle(failed(`${said}, but its body broke off`)));
}

function judgeBody(body: Buffer, pattern: Pattern, said: string): Outcome {
  try {
    if (pattern.test(body.toString('utf8'))) return { ok: true, what: said };
    return failed(`${said}, but its body does not match /${pattern.source}/`);
  } catch (error) {
    if (!(error instanceof PatternTooSlow)) throw error;
    return failed(`${said}, but ${error.message}: make the pattern simpler`);
  }
}

/** The URL, or why there is none. */
function urlOf(text: string): URL | string {
  if (!URL.canParse(text)) return `not a URL: ${text}`;
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `neither http nor https: ${shown(url)}`;
  return url;
}

/** Without user, password and query: they may be secret. */
function shown(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

function whereOf(url: URL): string {
  return placeOf(url.hostname, url.port || (url.protocol === 'https:' ? 443 : 80));
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
}
