import type { Speaker, Started, World } from './speaker.ts';

/** How a call went wrong. */
export interface CallError {
  readonly code: string;
  readonly exit: number;
  readonly message: string;
}
export type Answer = Readonly<Record<string, unknown>> & { readonly message: string; readonly pid: number };

/** A program of a library under test that does what it is asked to (test/programs/manager-node.mjs). */
export interface Manager extends Started {
  /** The result of a call. Throws with the error's message when the library throws. */
  ask(call: string, ...args: readonly unknown[]): Promise<Answer>;
  /** The error of a call. Throws when there is none. */
  fail(call: string, ...args: readonly unknown[]): Promise<CallError>;
}

/** Starts it and waits until it takes calls; one at a time. */
export async function openManager(
  world: World,
  speaker: Speaker,
  env: Readonly<Record<string, string>> = {},
): Promise<Manager> {
  const started = world.start(speaker, {}, env);
  await started.line(/^open /);
  let count = 0;
  const call = async (name: string, args: readonly unknown[]) => {
    const number = ++count;
    started.child.stdin?.write(`${JSON.stringify({ call: name, args })}\n`);
    const line = await started.line(/^\{"(?:ok|error)"/, number);
    return JSON.parse(line) as { readonly ok?: Answer; readonly error?: CallError };
  };
  return {
    ...started,
    async ask(name, ...args) {
      const { ok, error } = await call(name, args);
      if (error) throw new Error(`${name}: ${error.code}: ${error.message}`);
      return ok as Answer;
    },
    async fail(name, ...args) {
      const { ok, error } = await call(name, args);
      if (!error) throw new Error(`${name} gave ${JSON.stringify(ok)}`);
      return error;
    },
  };
}
