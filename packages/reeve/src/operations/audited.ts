import { type Calls, type ProjectRef, ReeveError, type Requester } from '@reeve/contract';
import { describeActor } from '../supervisor/audit.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { auditOutcome, type Ended } from './audit-outcome.ts';
import type { ChangingVerb, OperationCall, Operations } from './operation-types.ts';

/** Where the rows go. */
type AuditTrail = Pick<Supervisor, 'outbox'> & {
  readonly deps: Pick<Supervisor['deps'], 'clock'> & {
    readonly registry: Pick<Supervisor['deps']['registry'], 'audit'>;
  };
};

/** These write what was accepted within their own transaction, so only a refusal is added here. */
const IN_TRANSACTION: ReadonlySet<ChangingVerb> = new Set(['apply', 'start', 'restart']);

/** The same operations, each with its outcome in the audit log, refusals included. */
export function audited(supervisor: AuditTrail, operations: Operations): Operations {
  const wrap = <V extends ChangingVerb>(verb: V): Operations[V] =>
    (async (params: Calls[V]['params'], call: OperationCall<V>) => {
      const run = operations[verb] as (p: typeof params, c: typeof call) => Promise<Calls[V]['ok']>;
      const note = (outcome: string, target = targetOf(params)): void =>
        append(supervisor, call.requester, actionOf(verb, params), target, outcome);
      try {
        const result = await run(params, call);
        if ('receipts' in result) for (const each of result.receipts) note(auditOutcome(each), each.project);
        else if (!IN_TRANSACTION.has(verb)) note(auditOutcome(receiptIn(result)));
        return result;
      } catch (error) {
        note(auditOutcome(error instanceof ReeveError ? error : 'INTERNAL'));
        throw error;
      }
    }) as Operations[V];
  return {
    apply: wrap('apply'),
    start: wrap('start'),
    restart: wrap('restart'),
    stop: wrap('stop'),
    stopAll: wrap('stopAll'),
    down: wrap('down'),
    cleanup: wrap('cleanup'),
    signal: wrap('signal'),
    kill: wrap('kill'),
    hunt: operations.hunt,
    plan: operations.plan,
    logs: operations.logs,
    stopManaged: async (requester) => {
      const receipts = await operations.stopManaged(requester);
      for (const receipt of receipts)
        append(supervisor, requester, 'daemon stop --with-services', receipt.project, auditOutcome(receipt));
      return receipts;
    },
  };
}

function receiptIn(result: Calls[ChangingVerb]['ok']): Ended | null {
  if ('receipt' in result) return result.receipt;
  return 'survivors' in result ? result : null;
}

function actionOf(verb: ChangingVerb, params: Calls[ChangingVerb]['params']): string {
  if (verb === 'apply') return 'up';
  if (verb === 'stopAll') return 'stop --all';
  return verb === 'signal' && 'signal' in params ? `signal ${params.signal}` : verb;
}

function targetOf(params: Calls[ChangingVerb]['params']): string {
  if ('typed' in params) return params.typed;
  if (!('project' in params)) return '';
  const { project } = params;
  const services = 'services' in params ? params.services : 'service' in params ? [params.service] : [];
  return [nameOf(project), services.join(', ')].filter(Boolean).join(': ');
}

function nameOf(project: ProjectRef): string {
  return project.name ?? project.folder ?? '';
}

/** Written with the next batch: what has happened has happened, and a full disk must not turn it into an error. */
function append(supervisor: AuditTrail, requester: Requester, action: string, target: string, outcome: string): void {
  const { registry, clock } = supervisor.deps;
  const row = { at: clock.now(), actor: describeActor(requester), action, target, reason: null, outcome };
  supervisor.outbox.row(`audit ${action} ${target} ${clock.monotonic()}`, () => registry.audit.append(row));
}
