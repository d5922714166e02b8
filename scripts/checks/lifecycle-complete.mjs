import path from 'node:path';
import { root } from '../root.mjs';

const file = path.join(root, 'packages/reeve/src/core/lifecycle/table.ts');

/**
 * Checks the check: the lifecycle table must not compile when one of its cells, or a whole state, is missing. The
 * variants exist only in memory.
 */
export async function lifecycleNeedsEveryCell() {
  const { default: ts } = await import('typescript');
  const text = ts.sys.readFile(file);
  if (text === undefined) throw new Error(`there is no ${file}`);
  const compile = compiler(ts);
  const asIs = compile(text);
  if (asIs.length > 0) throw new Error(`the table should compile as it is:\n${asIs.join('\n')}`);
  const { states, lastCells } = parts(ts, text);
  for (const part of [states[0], ...lastCells]) {
    const errors = compile(text.slice(0, part.from) + text.slice(part.to));
    if (!errors.some((error) => error.includes('missing'))) {
      throw new Error(`the table compiles without "${part.name}"\n${errors.join('\n')}`);
    }
  }
}

/** Where each state, and the last cell of each state, stands in the text. */
function parts(ts, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const declarations = source.statements
    .filter(ts.isVariableStatement)
    .flatMap((each) => each.declarationList.declarations);
  const table = declarations.find((each) => each.name.getText() === 'table')?.initializer;
  if (table === undefined || !ts.isObjectLiteralExpression(table)) throw new Error(`no "const table = {" in ${file}`);
  const place = (node, name) => {
    const comma = /^\s*,/.exec(text.slice(node.end))?.[0].length ?? 0;
    return { name, from: node.getStart(), to: node.end + comma };
  };
  const states = [...table.properties];
  return {
    states: states.map((state) => place(state, state.name.getText())),
    lastCells: states.map((state) => {
      const cell = state.initializer.properties.at(-1);
      return place(cell, `${state.name.getText()}.${cell.name.getText()}`);
    }),
  };
}

/** Returns a function: text of the file → its TypeScript errors. What else the file needs is parsed once. */
function compiler(ts) {
  const configFile = path.join(root, 'tsconfig.base.json');
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(configFile, ts.sys.readFile).config,
    ts.sys,
    root,
  );
  const host = ts.createCompilerHost(options, true);
  const read = host.getSourceFile.bind(host);
  const parsed = new Map();
  let program;
  return (text) => {
    host.getSourceFile = (name, language) => {
      if (path.resolve(name) === file) return ts.createSourceFile(name, text, language, true);
      if (!parsed.has(name)) parsed.set(name, read(name, language));
      return parsed.get(name);
    };
    program = ts.createProgram([file], options, host, program);
    const source = program.getSourceFile(file);
    // Unused imports do not matter here: what a missing cell leaves unused is not what is looked for.
    const diagnostics = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return diagnostics.map((each) => ts.flattenDiagnosticMessageText(each.messageText, '\n'));
  };
}
