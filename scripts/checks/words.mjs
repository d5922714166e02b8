import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../root.mjs';
import { run } from '../run.mjs';

/** Each habit, and what to write instead. Looked for in comments, messages, names of tests, and pages. */
const habits = [
  [
    /\b(is|are|was|were|be|been|being|not|never) told\b/i,
    'say who reports it: "the daemon reports", "it receives", "known"',
  ],
  [/\b(nobody|somebody|everybody|anybody|whoever)\b/i, 'name the process, client, user or service'],
  [/\b(goes|go|going|went|gone) on\b/i, '"continues", "keeps running", "remains"'],
  [/\b(mend|mends|mended|mending)\b/i, '"fix"'],
  [/\bruns already\b/i, '"is already running"'],
  [
    /(?<!\bthere )\b(is|are) no (?!longer\b|more than\b|less than\b|later than\b|earlier than\b|such\b|other\b|different\b)[a-z]+\b/i,
    '"is not a …", "there is no …", "invalid …"',
  ],
  [/\bis not right here\b/i, '"invalid value"'],
  [/\b(whilst|hence|lest|thereof|whereby|therein|wherein|ere)\b/i, 'the everyday word'],
  [/\blives? no more\b/i, '"has ended"'],
  [/\btakes? note of\b/i, '"notices", "reaps"'],
  [/\bwith sense\b/i, '"sensibly"'],
  [/\bcannot be had\b/i, '"is not available", "cannot be read"'],
];
/** The account of that name. */
const allowed =
  /['"`(]nobody['"`)]|\bnobody[:/@]|user: nobody|belongs to nobody|--reuid nobody|nobody \(as that user|\b(user|as|su|group) nobody\b/g;
const covered = /\.(ts|mts|mjs|md|py)$/;
/** The check itself, the changelog, and the page that names the words. */
const exempt = /^(scripts\/checks\/words\.mjs|CHANGELOG\.md|CONTRIBUTING\.md)$/;

/** The words that CONTRIBUTING names are not used: plain English in every message, comment and page. */
export async function wordsArePlain() {
  const { default: ts } = await import('typescript'); // in a fresh clone this file is read before npm has installed it
  const { code, output } = await run('git', ['ls-files', '-z']);
  if (code !== 0) throw new Error(output);
  const files = output.split('\0').filter((file) => covered.test(file) && !exempt.test(file));
  const found = files.flatMap((file) => habitsIn(ts, file, readIfThere(file)));
  if (found.length > 0) throw new Error(`words to replace (CONTRIBUTING.md, English):\n  ${found.join('\n  ')}`);
}

function habitsIn(ts, file, text) {
  const lines = proseOf(ts, file, text).split('\n');
  return lines.flatMap((line, index) => {
    const plain = line.replaceAll(allowed, '');
    return habits.flatMap(([habit, instead]) => {
      const hit = habit.exec(plain);
      return hit === null ? [] : [`${file}:${index + 1}: "${hit[0]}": ${instead}`];
    });
  });
}

function readIfThere(file) {
  try {
    return readFileSync(path.join(root, file), 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return ''; // deleted in the working tree, but not yet in git
    throw error;
  }
}

/** The text with code blanked out, line by line as it was. */
function proseOf(ts, file, text) {
  if (file.endsWith('.md')) return text.replaceAll(/^```[\s\S]*?^```$/gm, (block) => block.replaceAll(/[^\n]/g, ' '));
  if (file.endsWith('.py')) return text;
  return proseOfScript(ts, text);
}

/** Comments, strings and templates of TypeScript or JavaScript. */
function proseOfScript(ts, text) {
  const source = ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, false);
  const kept = [];
  const visit = (node) => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
      kept.push([node.getStart(source), node.end]);
    for (const range of ts.getLeadingCommentRanges(text, node.pos) ?? []) kept.push([range.pos, range.end]);
    for (const range of ts.getTrailingCommentRanges(text, node.end) ?? []) kept.push([range.pos, range.end]);
    ts.forEachChild(node, visit);
  };
  visit(source);
  const prose = text.split('').map((char) => (char === '\n' ? '\n' : ' '));
  for (const [start, end] of kept) for (let at = start; at < end; at++) prose[at] = text[at];
  return prose.join('');
}
