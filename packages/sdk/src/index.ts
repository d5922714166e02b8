export {
  type ActionOutcome,
  type Announcement,
  type ErrorCode,
  ReeveError,
  type ServiceCard,
  type ServicePort,
  type ServiceStatus,
} from '@reeve/contract';
export { type CallOptions, type ConnectOptions, type DaemonInfo, type Push, ReeveClient } from './client.ts';
export type { ActionReason, ActionResult, FoundProcess, KillOptions, ProcessOutcome } from './manager/action-result.ts';
export { type HuntedProcess, hunt } from './manager/hunt.ts';
export {
  type KillServiceOptions,
  killPattern,
  killScript,
  killService,
  type ListedService,
  listServices,
} from './manager/kill-services.ts';
export {
  type FoundPortHolder,
  findProcessByPort,
  findProcessesByPort,
  isPortInUse,
  killProcessById,
  killProcessOnPort,
  type PortOptions,
} from './manager/ports.ts';
export {
  type EnsurePortOptions,
  getProcessManager,
  type ManagedPort,
  ProcessManager,
  type ProcessStatus,
  resetProcessManager,
  type SingleInstance,
  type SingleInstanceOptions,
} from './manager/process-manager.ts';
export { type StartOptions, type StartResult, startServiceSafe } from './manager/start-safe.ts';
export type { WhereOptions } from './manager/surroundings.ts';
export type { Unreachable } from './open-socket.ts';
export { AlreadyRunning } from './service/already-running.ts';
export { type Announced, type AnnounceInput, announce, announceProcessManagement } from './service/announce.ts';
export type { ActionInput, AnnouncementInput, PortInput } from './service/announcement.ts';
export { type Addressee, askService } from './service/ask-service.ts';
export type { Background } from './service/background.ts';
export { type Liveness, listCards, livenessOf, readCard } from './service/cards.ts';
export type { DependencyOptions, Endpoint } from './service/dependency.ts';
export {
  type ActionOptions,
  type Discovered,
  type DiscoverOptions,
  discover,
  discoverByCapability,
  discoverService,
  type VerifiedOutcome,
} from './service/discover.ts';
export {
  ManagedService,
  type Registered,
  type SecondInstanceHandler,
  type ServiceOptions,
  type WatchdogOptions,
} from './service/managed-service.ts';
export type { HandlerOptions, HandlerOutcome, ShutdownHandler, ShutdownReason } from './service/shutdown.ts';
