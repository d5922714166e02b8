export { type CallOptions, type ConnectOptions, type DaemonInfo, type Push, ReeveClient } from './client.ts';
export type { Unreachable } from './open-socket.ts';
