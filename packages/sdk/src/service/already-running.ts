import { ReeveError } from '@reeve/contract';

/** Another copy holds the name. Code ALREADY_RUNNING, exit code 5. */
export class AlreadyRunning extends ReeveError {
  /** Of the holder; null: the holder could not be read. */
  readonly pid: number | null;
  /** The holder has taken our command line and working folder (`onSecondInstance`): end politely. */
  readonly handedOver: boolean;
  /** Made by what takes a name: `who` is held by the process `pid`. `isManaged`: reeve runs the holder. */
  constructor(
    who: { readonly service: string; readonly project: string },
    pid: number | null,
    { handedOver = false, isManaged = false }: { readonly handedOver?: boolean; readonly isManaged?: boolean } = {},
  ) {
    super('ALREADY_RUNNING', {
      name: who.service,
      project: who.project,
      pid: pid ?? undefined,
      hint: isManaged ? `stop it first: reeve stop ${who.service}` : undefined,
      handed_over: handedOver ? 'yes' : undefined,
    });
    this.pid = pid;
    this.handedOver = handedOver;
  }
}
