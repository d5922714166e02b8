import type { JournalRecord } from '@reeve/contract';
import { NOTHING_SAID, type Notified, remember } from '../../core/announced/notified.ts';
import { type NotifyWord, parseNotification } from '../../core/announced/notify.ts';
import type { Actor } from '../instance-handle.ts';
import { moveMain } from '../run/main-process.ts';
import { noteAlive, noteOwnWord, noteTrigger } from './health-checks.ts';

/** What a run says on its channels, as the keeper has written it down. */
export type Said = Extract<JournalRecord, { readonly kind: 'notified' | 'ready_fd' | 'ipc' }>;

/** Judges what the present run of an instance has said. The same words twice change nothing. */
export function hear(instance: Actor, said: Said): void {
  switch (said.kind) {
    case 'notified':
      if (said.lost > 0) instance.tell('service.notify_lost', `${said.lost} notifications were no text, or too long`);
      for (const word of parseNotification(said.text)) obey(instance, word);
      return;
    case 'ready_fd':
      if (instance.live?.resolved.ready?.kind !== 'fd') return;
      if (said.ready) becomeReady(instance, 'it wrote a newline to its readiness descriptor');
      else lack(instance, 'it closed its readiness descriptor without a newline');
      return;
    case 'ipc':
      if (instance.live?.resolved.ready?.kind !== 'ipc') return;
      if (isReady(said.message)) becomeReady(instance, "it called process.send('ready')");
      else if (!('message' in said)) lack(instance, 'its Node channel ended before it said that it is ready');
      return;
  }
}

function obey(instance: Actor, word: NotifyWord): void {
  const before = instance.notified;
  keep(instance, remember(before, word));
  const ready = instance.live?.resolved.ready ?? null;
  switch (word.key) {
    case 'ready':
      if (before.isReloading) instance.tell('service.reloaded', 'it has read its configuration again');
      if (ready?.kind === 'notify') becomeReady(instance, 'it sent READY=1');
      return;
    case 'reloading':
      if (!before.isReloading) instance.tell('service.reloading', 'it reads its configuration again');
      return;
    case 'stopping':
      if (!before.isStopping) instance.tell('service.stopping_itself', 'it says that it is stopping');
      return;
    case 'status':
      if (ready?.kind === 'notify' && word.text !== '')
        lack(instance, `it has not sent READY=1 yet, but says: ${word.text}`);
      instance.host.changed(instance);
      return;
    case 'main':
      moveMain(instance, word.pid);
      return;
    case 'ping':
      ping(instance);
      return;
    case 'trigger':
      noteTrigger(instance);
      return;
    case 'extend':
      instance.post({ name: 'extend', by: word.by });
      return;
    case 'errno':
      instance.tell('service.error_told', `it reports error ${word.number}`, { errno: word.number });
      return;
    case 'bus_error':
      instance.tell('service.error_told', `it reports error ${word.name}`, { bus_error: word.name });
      return;
    case 'health':
      noteOwnWord(instance, word.ok, word.why);
      return;
    case 'bad':
      instance.tell('service.notify_ignored', `ignored what it sent: ${word.line}: ${word.why}`);
      return;
    case 'watchdog':
    case 'announce':
      return; // kept, see above
  }
}

function ping(instance: Actor): void {
  instance.pingedAt = instance.host.deps.clock.monotonic();
  const { ready, health } = instance.live?.resolved ?? {};
  if (health?.check.kind !== 'watchdog') return;
  noteAlive(instance);
  if (!ready && instance.machine.state.name === 'starting') becomeReady(instance, 'it sent WATCHDOG=1');
}

function becomeReady(instance: Actor, how: string): void {
  instance.post({ name: 'ready', how });
}

/** Why it is not ready yet, for the clients that wait. */
function lack(instance: Actor, why: string): void {
  if (instance.machine.state.name !== 'starting') return;
  instance.lacking = why;
  instance.host.changed(instance);
}

/** As pm2's `wait_ready` has it, and as an object with a type. */
function isReady(message: unknown): boolean {
  return message === 'ready' || (message as { readonly type?: unknown } | null | undefined)?.type === 'ready';
}

/** The next daemon of this run knows it too. */
function keep(instance: Actor, notified: Notified): void {
  if (notified === instance.notified || !instance.live) return;
  instance.notified = notified;
  const { registry, clock } = instance.host.deps;
  const row = {
    id: idOf(instance),
    folder: instance.project.row.folder,
    service: instance.spec.name,
    owner: { run: instance.live.row.run },
    announcement: notified,
    at: clock.now(),
  };
  instance.host.outbox.row(row.id, () => registry.announcements.save(row));
}

/** What the run that is gone has said is not to be believed of another. */
export function forgetSaid(instance: Actor): void {
  instance.pingedAt = null;
  if (instance.notified === NOTHING_SAID) return;
  instance.notified = NOTHING_SAID;
  const { registry } = instance.host.deps;
  instance.host.outbox.row(idOf(instance), () => registry.announcements.remove(idOf(instance)));
}

/** What this run has said to an earlier daemon. */
export function recallSaid(instance: Actor, run: string): void {
  const row = instance.host.deps.registry.announcements.get(idOf(instance));
  // Written above, by this version or one before it: what a later field of it means, it did not say.
  if ((row?.owner as { readonly run?: unknown } | null | undefined)?.run === run)
    instance.notified = { ...NOTHING_SAID, ...(row?.announcement as Partial<Notified>) };
}

function idOf({ id }: Actor): string {
  return `notify:${id}`;
}
