import { type CallName, type Calls, NAME_PATTERN } from '@reeve/contract';
import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { ProjectSpecSchema } from './project-schema.ts';
import { Environment, strict } from './schema-parts.ts';

/**
 * What each call's parameters must look like: nothing missing, nothing more. The daemon may run as root and the other
 * side may be another version, so the types of the contract are not believed until this has been checked.
 */
const Timeout = Type.Union([Type.Number({ minimum: 0 }), Type.Null()]);
const ProjectRef = strict({ folder: Type.Optional(Type.String()), name: Type.Optional(Type.String()) });
/** `name` or `name:index`. */
const ServiceName = Type.String({ pattern: NAME_PATTERN.source.replace(/\$$/, '(:\\d{1,6})?$') });
const Selection = Type.Array(ServiceName);
const Requester = strict({
  kind: Type.Union([Type.Literal('cli'), Type.Literal('library'), Type.Literal('token'), Type.Literal('supervisor')]),
  user: Type.String(),
  pid: Type.Integer({ minimum: 0 }),
});
const Until = Type.Union([Type.Literal('ready'), Type.Literal('stopped'), Type.Literal('completed')]);
const Force = Type.Boolean();

export const CONTROL_SCHEMAS = {
  ping: strict({}),
  about: strict({}),
  upgrade: strict({ program: Type.Array(Type.String(), { minItems: 1 }), actor: Requester }),
  apply: strict({
    project: ProjectSpecSchema,
    environment: Environment,
    services: Selection,
    prune: Type.Boolean(),
    guard: Type.Union([Type.Literal('warn'), Type.Literal('redirect'), Type.Literal('refuse'), Type.Null()]),
    actor: Requester,
  }),
  plan: strict({
    project: ProjectSpecSchema,
    environment: Environment,
    services: Selection,
    prune: Type.Boolean(),
    actor: Requester,
  }),
  start: strict({
    project: ProjectRef,
    services: Selection,
    environment: Type.Union([Environment, Type.Null()]),
    actor: Requester,
  }),
  restart: strict({ project: ProjectRef, services: Selection, timeout: Timeout, force: Force, actor: Requester }),
  stop: strict({ project: ProjectRef, services: Selection, timeout: Timeout, force: Force, actor: Requester }),
  stopAll: strict({ timeout: Timeout, force: Force, actor: Requester }),
  announced: strict({}),
  cleanup: strict({ project: ProjectRef, timeout: Timeout, force: Force, actor: Requester }),
  down: strict({ project: ProjectRef, purge: Type.Boolean(), timeout: Timeout, actor: Requester }),
  wait: strict({ project: ProjectRef, services: Selection, until: Until, timeout: Timeout }),
  ps: strict({ project: Type.Union([ProjectRef, Type.Null()]) }),
  why: strict({ project: ProjectRef, service: ServiceName }),
  ports: strict({ port: Type.Union([Type.Integer({ minimum: 1, maximum: 65535 }), Type.Null()]) }),
  signal: strict({ project: ProjectRef, service: ServiceName, signal: Type.String(), actor: Requester }),
  hunt: strict({ query: Type.String(), actor: Requester }),
  kill: strict({
    target: Type.Union([
      strict({ kind: Type.Literal('pid'), pid: Type.Integer({ minimum: 2 }) }),
      strict({ kind: Type.Literal('port'), port: Type.Integer({ minimum: 1, maximum: 65535 }) }),
      strict({ kind: Type.Literal('name'), project: Type.Union([Type.String(), Type.Null()]), name: Type.String() }),
      strict({ kind: Type.Literal('pattern'), pattern: Type.String() }),
    ]),
    typed: Type.String(),
    here: Type.Union([Type.String(), Type.Null()]),
    force: Force,
    timeout: Timeout,
    actor: Requester,
  }),
  logs: strict({
    project: ProjectRef,
    services: Selection,
    newest: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
    since: Type.Union([Type.Number(), Type.Null()]),
    until: Type.Union([Type.Number(), Type.Null()]),
    stream: Type.Union([Type.Literal('out'), Type.Literal('err'), Type.Null()]),
    run: Type.Union([Type.String(), Type.Null()]),
    grep: Type.Union([Type.String(), Type.Null()]),
    follow: Type.Boolean(),
    actor: Requester,
  }),
  surroundings: strict({ project: ProjectRef, service: ServiceName }),
  shutdown: strict({ with_services: Type.Boolean(), actor: Requester }),
  events: strict({ project: Type.Union([ProjectRef, Type.Null()]) }),
} as const satisfies Record<CallName, TSchema>;

/** A call whose schema and type say different things is named in this type's error. */
type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;
type Wrong = {
  [N in CallName]: [DeepReadonly<Static<(typeof CONTROL_SCHEMAS)[N]>>, DeepReadonly<Calls[N]['params']>] extends [
    DeepReadonly<Calls[N]['params']>,
    DeepReadonly<Static<(typeof CONTROL_SCHEMAS)[N]>>,
  ]
    ? never
    : N;
}[CallName];
type None<T extends never> = T;
/** @public It is not used: it only must compile. */
export type SchemasAgreeWithTheContract = None<Wrong>;
