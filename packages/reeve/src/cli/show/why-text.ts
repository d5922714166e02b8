import type { EventView, RootView, WhyView } from '@reeve/contract';
import { describeExit } from '../../core/restart/restart.ts';
import { clockTime, humanDuration } from '../terminal/amounts.ts';
import { displayWidth } from '../terminal/display-width.ts';
import { oneLine, safeText } from '../terminal/safe-text.ts';
import { glyph, type Style } from '../terminal/style.ts';
import { portsText } from './process-table.ts';
import { SILENCE } from './silence.ts';

/** Only the last causes are shown; `reeve events` has all of them. */
const EVENTS = 6;

type Fact = readonly [label: string, text: string];

/** The story: one sentence, then its evidence, then what to type next. */
export function renderWhy(view: WhyView, style: Style, now: number): string {
  const facts = factsOf(view, style, now);
  const width = Math.max(0, ...facts.map(([label]) => displayWidth(label)));
  const branches = facts.map(([label, text], i) => {
    const branch = style.rich ? `${glyph(style, i === facts.length - 1 ? 'lastBranch' : 'branch')} ` : '  ';
    return `${style.paint('grey', branch)}${label.padEnd(width)}  ${text}`;
  });
  const next = view.try.map(oneLine).join(` ${glyph(style, 'dot')} `);
  const lines = [style.paint('bold', oneLine(view.summary)), ...branches, ...(next === '' ? [] : [`Try: ${next}`])];
  return `${lines.join('\n')}\n`;
}

function factsOf(view: WhyView, style: Style, now: number): readonly Fact[] {
  const { service } = view;
  const ago = (at: string): string => `${humanDuration(now - Date.parse(at))} ago`;
  const facts: Fact[] = [];
  const said: string[] = [oneLine(view.summary)];
  /** A sentence that was said is not said again. */
  const add = (label: string, text: string | null): void => {
    if (text === null || text === '') return;
    if (text.includes(' ') && said.some((earlier) => earlier.includes(text))) return;
    said.push(text);
    facts.push([label, text]);
  };
  add('reason', service.reason === null ? null : oneLine(service.reason));
  add('next try', view.next_try_at === null ? null : inTime(Date.parse(view.next_try_at) - now));
  add(
    'running',
    service.started_at === null
      ? null
      : `pid ${service.pid}, for ${humanDuration(now - Date.parse(service.started_at))}`,
  );
  const exit = service.exit && describeExit(service.exit);
  const isSaid = exit !== null && said.some((earlier) => earlier.includes(exit));
  add('last exit', service.exit && `${isSaid ? '' : `${exit}, `}${ago(service.exit.at)}`);
  add('restarts', service.restarts === 0 ? null : String(service.restarts));
  for (const wait of view.waits_for) add('waits for', oneLine(wait));
  for (const root of view.roots) add('held up by', rootText(root, said));
  add('blocks', view.blocks.join(', '));
  add('ports', portsText(service.ports));
  for (const s of view.survivors) {
    const isForeign = s.found_by.every((by) => by === 'port');
    const label = isForeign ? `holds port ${s.ports.join(', ')}` : 'left over';
    add(label, `pid ${s.pid} ${oneLine(s.command)}${isForeign ? '' : ` (${s.found_by.join(', ')})`}`);
  }
  const told = (event: EventView, who: string): string =>
    `${style.paint('grey', clockTime(Date.parse(event.at)))} ${who}${oneLine(event.message)}`;
  // A single cause is shown by the events.
  const story = view.because.length > 1 ? view.because : [];
  for (const event of story)
    facts.push(['because', told(event, event.service === service.name ? '' : `${event.service}: `)]);
  const known = new Set(story.map(({ seq }) => seq));
  for (const event of view.events.slice(-EVENTS).filter(({ seq }) => !known.has(seq)))
    facts.push(['event', told(event, '')]);
  const isDown = service.pid === null;
  const words = isDown && view.crash && view.crash.lines.length > 0 ? view.crash.lines : view.last_lines;
  for (const line of words) facts.push(['said', safeText(line)]);
  add('hint', isDown ? null : silenceHint(view, now));
  return facts;
}

/** It has run for this long without a word. Milliseconds. */
const SILENT = 3_000;

/** Python, C and many others keep what they print until a buffer is full, unless a terminal reads it. */
function silenceHint({ service, last_lines: lines }: WhyView, now: number): string | null {
  if (lines.length > 0 || service.started_at === null || now - Date.parse(service.started_at) < SILENT) return null;
  return `nothing written yet: ${SILENCE}`;
}

function rootText({ name, state, intent, reason }: RootView, said: readonly string[]): string {
  const is = state === 'backoff' ? 'in backoff' : state;
  return oneLine(
    `${name}, which is ${is} (wanted: ${intent})${reason && !said.some((text) => text.includes(oneLine(reason))) ? `: ${reason}` : ''}`,
  );
}

function inTime(ms: number): string {
  return ms <= 0 ? 'now' : `in ${humanDuration(ms)}`;
}
