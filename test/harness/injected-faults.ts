/** A failed call of the system, as an adapter meets it. */
const CODES = ['EPERM', 'EIO', 'ENOSPC'] as const;

/**
 * Stands around real adapters and lets the calls of one method fail. What there is to fail is not written down anywhere:
 * every method that is called is noted, also those of objects that an adapter hands out, so that a new one is in the list
 * by itself.
 */
export class InjectedFaults {
  /** The methods that were called, by path (`registry.runs.save`), and whether they answer with a promise. */
  readonly seen = new Map<string, boolean>();
  readonly #skipped: ReadonlySet<string>;
  readonly #proxies = new WeakMap<object, object>();
  #armed: { readonly path: string; readonly code: string; readonly text: string } | null = null;
  #hits = 0;

  /** `skipped`: first parts of paths that do not call the system. */
  constructor(skipped: readonly string[]) {
    this.#skipped = new Set(skipped);
  }

  /** How often the armed method was called. */
  get hits(): number {
    return this.#hits;
  }

  /** From now on each call of the method fails. Returns the text by which the fault is recognised. */
  arm(path: string, n: number): string {
    const code = CODES[n % CODES.length] ?? 'EIO';
    const text = `${code}: injected fault ${n} of ${path}`;
    this.#armed = { path, code, text };
    this.#hits = 0;
    return text;
  }
  disarm(): void {
    this.#armed = null;
  }

  around<T extends object>(adapter: T, path = ''): T {
    const known = this.#proxies.get(adapter);
    if (known) return known as T;
    const proxy = new Proxy(adapter, {
      get: (target, name): unknown => {
        const value: unknown = Reflect.get(target, name, target);
        const at = path === '' ? String(name) : `${path}.${String(name)}`;
        if (typeof name === 'symbol' || this.#skipped.has(at)) return value;
        if (typeof value === 'function')
          return (...args: readonly unknown[]) => this.#call(at, () => Reflect.apply(value, target, args) as unknown);
        return this.#stand(value, at);
      },
      set: (target, name, value) => Reflect.set(target, name, value, target),
    });
    this.#proxies.set(adapter, proxy);
    return proxy;
  }

  #call(path: string, call: () => unknown): unknown {
    if (this.#armed?.path === path) {
      this.#hits += 1;
      const { code, text } = this.#armed;
      const error = Object.assign(new Error(text), { code, errno: -1, syscall: path });
      if (this.seen.get(path) === true) return Promise.reject(error);
      throw error;
    }
    const answer = call();
    const isPromise = answer instanceof Promise;
    this.seen.set(path, isPromise);
    return isPromise
      ? answer.then((value: unknown) => this.#stand(value, `${path}()`))
      : this.#stand(answer, `${path}()`);
  }

  /** What has methods of its own is an adapter, too. */
  #stand(value: unknown, path: string): unknown {
    return isAdapter(value) ? this.around(value, path) : value;
  }
}

function isAdapter(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype !== null && prototype !== Object.prototype) return !isOfNode(prototype) && hasMethod(prototype);
  return hasMethod(value);
}

/** Maps, sets, buffers, errors, dates, signals: values, not adapters. */
function isOfNode(prototype: object): boolean {
  const { name } = prototype.constructor;
  return name in globalThis;
}

function hasMethod(value: object): boolean {
  return Object.entries(Object.getOwnPropertyDescriptors(value)).some(
    ([name, { value: it }]) => name !== 'constructor' && typeof it === 'function',
  );
}
