/** `port=8081 code=3` on the command line, as an object; `mark=…` is there only to be seen from outside. */
export const given = Object.fromEntries(
  process.argv.slice(2).map((argument) => {
    const at = argument.indexOf('=');
    return [argument.slice(0, at), argument.slice(at + 1)];
  }),
);

/** Keeps a program alive that has nothing to do. */
export function stay() {
  setInterval(() => {}, 1 << 30);
}
