import type { JournalRecord } from '@reeve/contract';
import { hear } from '../checks/notifications.ts';
import type { Supervisor } from '../supervisor.ts';
import { withMain } from './launch.ts';
import { spawnedEnded } from './main-process.ts';
import { releaseRun } from './release-run.ts';
import { recordStopCommand, servedBy } from './stop-command.ts';

/** One of the keepers: each counts its records for itself. */
export interface RecordSource {
  readonly place: { readonly number: number };
  /** Tells it how far its journal is written down; does nothing while it is being replaced. */
  acknowledge(seq: number): void;
}

/** Where the registry remembers how far the journal of a keeper's place is written down. */
export function keeperSeqFact(place: number): string {
  return place === 0 ? 'keeper_seq' : `keeper_seq:${place}`;
}

/** What the keepers tell: each record goes to the instance whose run it is about, and is acknowledged once it is on disk. */
export class KeeperRecords {
  readonly #supervisor: Supervisor;
  /** The newest record of this turn that has not been acknowledged to each keeper yet. */
  readonly #told = new Map<RecordSource, number>();

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
  }

  take(record: JournalRecord, from: RecordSource): void {
    try {
      if (record.kind === 'reaped') this.#reaped(record);
      else this.#happened(record);
    } catch (err) {
      // It would fail again: those that follow must not wait for it.
      const { kind, seq } = record;
      this.#supervisor.deps.log.error({ err, kind, seq }, 'a record of the keeper was not taken in completely');
    }
    this.#acknowledge(record.seq, from);
  }

  /** Without a mark it may be of any run: the run that knows the process takes it. */
  #reaped({ run, process, exit }: Extract<JournalRecord, { kind: 'reaped' }>): void {
    for (const project of this.#supervisor.projects.values()) {
      for (const { live } of project.instances()) {
        if (live && (run === null || live.row.run === run))
          live.processes.reaped(process, exit, run === null ? 'nothing' : 'mark');
      }
    }
  }

  #happened(record: Exclude<JournalRecord, { kind: 'reaped' }>): void {
    const served = servedBy(record.run);
    if (served !== null) {
      recordStopCommand(this.#supervisor.instanceOfRun(served), record, this.#supervisor.deps);
      return;
    }
    const instance = this.#supervisor.instanceOfRun(record.run);
    const live = instance?.live;
    if (!instance && record.kind === 'exited') this.#release(record.run);
    if (instance && live) {
      if (record.kind === 'spawned' && !live.row.marks.main) {
        instance.attach(withMain(instance, live, record.process));
        instance.post({ name: 'spawned', process: record.process });
      } else if (record.kind === 'exited') {
        spawnedEnded(instance, record.process, record.exit);
      } else if (record.kind === 'notified' || record.kind === 'ready_fd' || record.kind === 'ipc') {
        hear(instance, record);
      } else if (record.kind === 'gap') {
        instance.tell('service.log_gap', `${record.why}${record.bytes === null ? '' : ` (${record.bytes} bytes)`}`);
      }
    }
  }

  /** No instance continues it: a copy that has ended. The keeper would hold it for ever. */
  #release(run: string): void {
    const { deps } = this.#supervisor;
    releaseRun(deps, run).catch((err: unknown) =>
      deps.log.warn({ err, run }, 'the keeper did not let go of an ended run'),
    );
  }

  #acknowledge(seq: number, from: RecordSource): void {
    const fact = keeperSeqFact(from.place.number);
    this.#supervisor.outbox.row(fact, () => this.#supervisor.deps.registry.facts.set(fact, String(seq)));
    if (this.#told.size === 0) this.#supervisor.outbox.effect(() => this.#acknowledgeNewest());
    this.#told.set(from, seq);
  }

  /** Once a turn, and only what is written down: the keeper may forget it then. */
  #acknowledgeNewest(): void {
    const told = [...this.#told];
    this.#told.clear();
    if (this.#supervisor.outbox.isFailing) return;
    for (const [from, seq] of told) from.acknowledge(seq);
  }
}
