import type { EventView, RootView, WhyView } from '@reeve/contract';
import { describeExit } from '../../core/restart/restart.ts';
import { clockTime, humanDuration } from '../terminal/amounts.ts';
import { displayWidth } from '../terminal/display-width.ts';
import { oneLine, safeText } from '../terminal/safe-text.ts';
import { glyph, type Style } from '../terminal/style.ts';
import { portsText } from './process-table.ts';

/** The story is told by its end; `reeve events` has all of it. */
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
  const add = (label: string, text: string | null): void =>
    void (text !== null && text !== '' && facts.push([label, text]));
  add('reason', service.reason === null ? null : oneLine(service.reason));
  add('next try', view.next_try_at === null ? null : inTime(Date.parse(view.next_try_at) - now));
  add(
    'running',
    service.started_at === null
      ? null
      : `pid ${service.pid}, for ${humanDuration(now - Date.parse(service.started_at))}`,
  );
  add('last exit', service.exit === null ? null : `${describeExit(service.exit)}, ${ago(service.exit.at)}`);
  add('restarts', service.restarts === 0 ? null : String(service.restarts));
  for (const wait of view.waits_for) add('waits for', oneLine(wait));
  for (const root of view.roots) add('held up by', rootText(root));
  add('blocks', view.blocks.join(', '));
  add('ports', portsText(service.ports));
  for (const s of view.survivors) {
    const isForeign = s.found_by.every((by) => by === 'port');
    const label = isForeign ? `holds port ${s.ports.join(', ')}` : 'left over';
    add(label, `pid ${s.pid} ${oneLine(s.command)}${isForeign ? '' : ` (${s.found_by.join(', ')})`}`);
  }
  const told = (event: EventView, who: string): string =>
    `${style.paint('grey', clockTime(Date.parse(event.at)))} ${who}${oneLine(event.message)}`;
  // A story with one sentence is told by the events.
  const story = view.because.length > 1 ? view.because : [];
  for (const event of story) add('because', told(event, event.service === service.name ? '' : `${event.service}: `));
  const known = new Set(story.map(({ seq }) => seq));
  for (const event of view.events.slice(-EVENTS).filter(({ seq }) => !known.has(seq))) add('event', told(event, ''));
  const isDown = service.pid === null;
  const said = isDown && view.crash && view.crash.lines.length > 0 ? view.crash.lines : view.last_lines;
  for (const line of said) add('said', safeText(line));
  return facts;
}

function rootText({ name, state, intent, reason }: RootView): string {
  const is = state === 'backoff' ? 'in backoff' : state;
  return oneLine(`${name}, which is ${is} (wanted: ${intent})${reason ? `: ${reason}` : ''}`);
}

function inTime(ms: number): string {
  return ms <= 0 ? 'now' : `in ${humanDuration(ms)}`;
}
