import type { Exit, KeptRun, ProcessIdentity } from '@reeve/contract';
import type { RunChannels } from './channels/channels.ts';
import type { Outputs } from './output/outputs.ts';

/** A run that the keeper holds: from its spawn until it has ended and was released. */
export class Run implements KeptRun {
  readonly run: string;
  readonly id: string;
  readonly process: ProcessIdentity;
  readonly outputs: Outputs;
  readonly channels: RunChannels;
  exit: Exit | null;
  /** The daemon wants no more of it: it goes as soon as it has ended. */
  released = false;

  constructor(
    run: Omit<KeptRun, 'exit'> & {
      readonly exit?: Exit | null;
      readonly outputs: Outputs;
      readonly channels: RunChannels;
    },
  ) {
    this.run = run.run;
    this.id = run.id;
    this.process = run.process;
    this.exit = run.exit ?? null;
    this.outputs = run.outputs;
    this.channels = run.channels;
  }

  /** As the protocol shows it. */
  get kept(): KeptRun {
    return { run: this.run, id: this.id, process: this.process, exit: this.exit };
  }
}
