// Prints count= (10) numbered lines, one each every= (0) ms, then stays; with then=exit it ends.
import { given, stay } from './arguments.mjs';

const count = Number(given.count ?? 10);
const every = Number(given.every ?? 0);
const stream = given.stream === 'err' ? process.stderr : process.stdout;

function print(number) {
  if (number > count) return;
  stream.write(`line ${number}\n`, () => setTimeout(print, every, number + 1));
}
print(1);
if (given.then !== 'exit') stay();
