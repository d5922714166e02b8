/** One line per thing that happened: `info listening port=8081`. reeve adds the time and the service's name. */
export function log(level, message, facts = {}) {
  const pairs = Object.entries(facts).map(([name, value]) => `${name}=${value}`);
  const stream = level === 'error' ? process.stderr : process.stdout;
  stream.write(`${[level, message, ...pairs].join(' ')}\n`);
}
