import { type Edges, levels } from '../../core/graph/graph.ts';
import { glyph, type Style } from '../terminal/style.ts';

/** `order: db → api, worker → web`: api and worker start side by side. */
export function orderText(edges: Edges, names: readonly string[], style: Style): string {
  const steps = levels(edges, names).map((together) => together.join(', '));
  return `order: ${steps.join(` ${glyph(style, 'arrow')} `)}`;
}
