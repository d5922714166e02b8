import { ReeveError, SERVICE_DATA_BYTES, type ServicePort } from '@reeve/contract';
import { type PortInput, readPort } from './announcement.ts';

export type ServiceData = Readonly<Record<string, unknown>>;

/**
 * What `register` was given, as JSON has it, and the ports in it: `port`, and `ports` as a list or by name. Throws
 * USAGE for what is not an object, is not JSON (a cycle, a BigInt), or is more than 256 KiB.
 */
export function readData(data: unknown): { readonly data: ServiceData; readonly ports: readonly ServicePort[] } {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) throw wrong('register takes an object');
  let text: string;
  try {
    text = JSON.stringify(data);
  } catch (error) {
    throw wrong(`what register is given must be JSON: ${(error as Error).message.split('\n')[0]}`);
  }
  if (Buffer.byteLength(text) > SERVICE_DATA_BYTES) {
    throw wrong(
      `what register is given is ${Buffer.byteLength(text)} bytes as JSON; ${SERVICE_DATA_BYTES} is the most`,
    );
  }
  const copy = JSON.parse(text) as ServiceData;
  return { data: copy, ports: portsIn(copy) };
}

function portsIn({ port, ports }: ServiceData): readonly ServicePort[] {
  const found: ServicePort[] = [];
  if (typeof port === 'number') found.push(readPort(port, 'port'));
  if (Array.isArray(ports)) found.push(...ports.map((each) => readPort(each as PortInput, 'ports')));
  else if (typeof ports === 'object' && ports !== null) {
    for (const [name, each] of Object.entries(ports)) {
      if (typeof each === 'number') found.push({ ...readPort(each, `ports.${name}`), name });
    }
  }
  return unitePorts([], found);
}

/** Each port once; a later one gives its name. */
export function unitePorts(some: readonly ServicePort[], more: readonly ServicePort[]): readonly ServicePort[] {
  const byKey = new Map<string, ServicePort>();
  for (const each of [...some, ...more]) {
    const key = `${each.port}/${each.protocol}`;
    const before = byKey.get(key);
    byKey.set(key, before && each.name === null ? before : each);
  }
  return [...byKey.values()];
}

function wrong(message: string): ReeveError {
  return new ReeveError('USAGE', { message, hint: 'for example: register({ port: 8081, version: "1.2.0" })' });
}
