import { after, type Timer } from '@reeve/host';
/** Streams that flow slowly are read so often (ms apart): one read for many lines instead of one for each. */
export const PACE = 20;

/** Something that wants to be called at every tick until it says that it has enough. */
export interface Paced {
  /** false: leave me alone now. */
  tick(): boolean;
}

/** One timer for all slow streams, running only while there are any. */
export class Pacer {
  readonly #members = new Set<Paced>();
  #timer: Timer | null = null;

  add(member: Paced): void {
    this.#members.add(member);
    this.#timer ??= after(PACE, this.#tick);
  }

  remove(member: Paced): void {
    this.#members.delete(member);
  }

  readonly #tick = (): void => {
    for (const member of this.#members) if (!member.tick()) this.#members.delete(member);
    this.#timer = this.#members.size > 0 ? after(PACE, this.#tick) : null;
  };
}
