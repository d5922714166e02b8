import path from 'node:path';
import { root } from './root.mjs';
import { sdkEntry, sdkProgram } from './sdk-program.mjs';

/** Headings of the page, each with the source files (of packages/) whose public names stand under it. */
const chapters = [
  [
    'A service',
    'A class that a program extends to be a service: [the guide](../guide/library.md).',
    ['managed-service', 'already-running', 'background', 'owner', 'service-life', 'shutdown', 'dependency'],
  ],
  [
    'Announcing and discovering',
    'What a program manages, said so that others find it and can call its start and its clean-up.',
    ['announce', 'announcement', 'discover', 'ask-service', 'cards', 'service-socket'],
  ],
  [
    'Process manager',
    'With no daemon at all. Actions return `{ ok, reason }` and throw only for what is wrong in the call itself.',
    ['process-manager', 'ports', 'action-result', 'start-safe', 'kill-services', 'hunt', 'surroundings'],
  ],
  ['Talking to the daemon', 'One connection to the daemon of a home.', ['client', 'open-socket']],
  ['Errors', 'All of them, with what to do next: [errors](errors.md).', ['errors']],
];

/**
 * docs/reference/sdk.md, from the docstrings of what packages/sdk exports. Throws, naming them all, when an exported name or
 * a method has none (a field may be explained by its name), or comes from a file of which no chapter knows.
 */
export async function renderSdkReference(entry = sdkEntry) {
  const { default: ts } = await import('typescript');
  const program = sdkProgram(ts, {}, entry);
  const page = new Page(ts, program.getTypeChecker());
  const index = page.checker.getSymbolAtLocation(program.getSourceFile(entry));
  const names = page.checker.getExportsOfModule(index).map((each) => page.named(each));
  const known = new Set(chapters.flatMap(([, , files]) => files));
  for (const { file, name } of names) if (!known.has(file)) page.faults.push(`${name}: no chapter has ${file}.ts`);
  const text = chapters.map(([title, about, files]) => {
    const inside = names.filter(({ file }) => files.includes(file));
    const order = ({ kind, file }) => [['class', 'function', 'type'].indexOf(kind), files.indexOf(file)];
    inside.sort((a, b) => compare(order(a), order(b)) || a.name.localeCompare(b.name));
    return `## ${title}\n\n${about}\n\n${inside.map((each) => page.render(each)).join('\n')}`;
  });
  if (page.faults.length > 0) throw new Error(`docs/reference/sdk.md:\n  ${page.faults.join('\n  ')}`);
  return `${head}\n${text.join('\n')}`;
}

const head = `<!-- Generated from the docstrings of packages/sdk/src by \`npm run generate\`: change them there. -->

# @reeve/sdk

Everything that the package exports. Times are milliseconds. "Throws CODE" is a \`ReeveError\` with that code; a
promise rejects with it.
`;

function compare([a, b], [c, d]) {
  return a - c || b - d;
}

/** Renders one name after the other, and notes what has no docstring. */
class Page {
  faults = [];

  constructor(ts, checker) {
    this.ts = ts;
    this.checker = checker;
  }

  named(symbol) {
    const { ts } = this;
    const target = symbol.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol;
    const [declaration] = target.declarations;
    const file = path.basename(declaration.getSourceFile().fileName, '.ts');
    const kind = ts.isClassDeclaration(declaration)
      ? 'class'
      : ts.isFunctionDeclaration(declaration)
        ? 'function'
        : 'type';
    return { name: symbol.name, symbol: target, declaration, file, kind };
  }

  render({ name, symbol, declaration, kind }) {
    const { ts } = this;
    const about = `### ${name}\n\n${this.doc(symbol, name)}\n`;
    if (kind === 'class') return `${about}\n${this.members(name, declaration)}`;
    if (kind === 'function') return `${about}\n${code(this.signatures(symbol))}`;
    if (ts.isInterfaceDeclaration(declaration)) return `${about}\n${this.fields(symbol)}`;
    return `${about}\n${code([declaration.getText().replace(/^export /, '')])}`;
  }

  /** A function's declaration, once for each way to call it, without its body. */
  signatures(symbol) {
    return symbol.declarations.map((each) => signatureOf(each).replace(/^export (async )?/, ''));
  }

  members(owner, declaration) {
    const { ts } = this;
    const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
    const lines = declaration.members.flatMap((member) => {
      if (member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.OverrideKeyword)) return []; // known from its base
      const isNamed = ts.isConstructorDeclaration(member) || (member.name && ts.isIdentifier(member.name));
      if (!isNamed || ts.getCombinedModifierFlags(member) & hidden) return [];
      const name = ts.isConstructorDeclaration(member) ? 'constructor' : member.name.text;
      const symbol = member.symbol ?? this.checker.getSymbolAtLocation(member.name);
      const signature = oneLine(signatureOf(member).replace(/^readonly |\basync |;$/g, ''));
      return [`- \`${signature}\`  \n  ${this.doc(symbol, `${owner}.${name}`)}\n`];
    });
    return lines.join('');
  }

  /** Own and inherited ones. */
  fields(symbol) {
    const rows = this.checker.getPropertiesOfType(this.checker.getDeclaredTypeOfSymbol(symbol)).flatMap((field) => {
      if (field.name.startsWith('__@')) return []; // a well-known symbol
      const [declaration] = field.declarations;
      const isOptional = (field.flags & this.ts.SymbolFlags.Optional) !== 0;
      const type =
        declaration.type && !declaration.parameters ? declaration.type.getText() : this.typeOf(field, declaration);
      return [`| \`${field.name}${isOptional ? '?' : ''}\` | ${cell(`\`${type}\``)} | ${cell(this.text(field))} |\n`];
    });
    return rows.length === 0 ? '' : `| field | type | |\n|---|---|---|\n${rows.join('')}`;
  }

  typeOf(symbol, declaration) {
    return this.checker.typeToString(
      this.checker.getTypeOfSymbolAtLocation(symbol, declaration),
      declaration,
      this.ts.TypeFormatFlags.NoTruncation,
    );
  }

  doc(symbol, where) {
    const text = this.text(symbol);
    if (text === '') this.faults.push(`${where} has no docstring (${place(symbol)})`);
    return text;
  }

  /** The docstring as one paragraph of Markdown. */
  text(symbol) {
    const links = (part) => (part.kind === 'linkName' ? `\`${part.text}\`` : /^link/.test(part.kind) ? '' : part.text);
    const text = symbol
      .getDocumentationComment(this.checker)
      .map(links)
      .join('')
      .replace(/\s*\n\s*/g, ' ')
      .trim();
    return text.replaceAll('<', '&lt;').replace(/`[^`]*`/g, (word) => word.replaceAll('&lt;', '<'));
  }
}

/** A declaration up to its body. */
function signatureOf(declaration) {
  const end = declaration.body?.getStart() ?? declaration.initializer?.getFullStart() ?? declaration.end;
  return declaration.getSourceFile().text.slice(declaration.getStart(), end).trim().replace(/\s*=$/, '');
}

function oneLine(text) {
  return text
    .replace(/\(\s*\n\s*/g, '(')
    .replace(/,?\s*\n\s*\)/g, ')')
    .replace(/\s*\n\s*/g, ' ');
}

function code(texts) {
  return `\`\`\`ts\n${texts.join('\n')}\n\`\`\`\n`;
}

/** Within a table. */
function cell(text) {
  return text.replace(/\s*\n\s*/g, ' ').replaceAll('|', '\\|');
}

function place(symbol) {
  const [declaration] = symbol.declarations;
  const file = declaration.getSourceFile();
  return `${path.relative(root, file.fileName)}:${file.getLineAndCharacterOfPosition(declaration.getStart()).line + 1}`;
}
