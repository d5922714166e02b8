'use strict';
// Loaded into a program before it begins (`node --require`): counts what it asks of the system and of its database, and
// tells it over the IPC channel when it is asked.
const fs = require('node:fs');
const Module = require('node:module');

const counts = { opens: 0, processFiles: 0, tableScans: 0, links: 0, folders: 0, writes: 0, transactions: 0 };

// How many processes a machine has is not ours to say: their files are counted apart.
const isOfProcess = (path) => /^\/proc\/\d+\//.test(String(path));
const wrap = (name, note) => {
  const real = fs[name];
  fs[name] = Object.assign((...args) => {
    note(args[0]);
    return real.apply(fs, args);
  }, real);
};
const open = (path) => {
  if (typeof path === 'number') return;
  if (isOfProcess(path)) counts.processFiles++;
  else counts.opens++;
};
for (const name of ['openSync', 'readFileSync', 'writeFileSync', 'open', 'readFile', 'writeFile']) wrap(name, open);
for (const name of ['readdirSync', 'readdir']) {
  wrap(name, (path) => {
    if (path === '/proc') counts.tableScans++;
    else if (!isOfProcess(path)) counts.folders++;
  });
}
for (const name of ['readlinkSync', 'readlink']) wrap(name, () => counts.links++);
for (const name of ['mkdirSync', 'rmdirSync', 'rmSync', 'unlinkSync', 'writeSync']) wrap(name, () => counts.writes++);

/** @type {Map<object, object>} */
const counted = new Map();
const load = Module._load;
Module._load = (request, ...rest) => {
  const loaded = load(request, ...rest);
  if (typeof loaded?.DatabaseSync !== 'function') return loaded;
  if (!counted.has(loaded)) {
    class Counted extends loaded.DatabaseSync {
      exec(sql) {
        if (/^BEGIN/.test(sql)) counts.transactions++;
        return super.exec(sql);
      }
    }
    counted.set(loaded, { ...loaded, DatabaseSync: Counted });
  }
  return counted.get(loaded);
};

process.on('message', () => process.send(counts));
