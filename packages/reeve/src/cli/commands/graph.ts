import type { DependencySpec, ServiceSpec } from '@reeve/contract';
import { edgesOf, reverse, startOrder, waves } from '../../core/graph/graph.ts';
import { type Context, printJson, say } from '../context.ts';
import { findProject } from '../project/find-project.ts';
import { declaredFacts, projectFacts } from '../project-facts.ts';
import { orderText } from '../show/order-text.ts';
import { glyph, type Style } from '../terminal/style.ts';

interface Node {
  readonly name: string;
  readonly depends_on: readonly DependencySpec[];
  readonly dependents: readonly string[];
  /** 0: waits for no service; else one more than the latest of those it waits for. */
  readonly wave: number;
}

export async function run(context: Context): Promise<number> {
  const target = await findProject(context);
  // The config as it is now, where there is one: the graph is asked for while it is being written.
  const hasConfig = target.kind === 'folder' && target.config !== null;
  const { services } = hasConfig ? await declaredFacts(context, target) : await projectFacts(context, target);
  const nodes = graphOf([...services.values()]);
  if (context.json) printJson(context, { services: nodes });
  else {
    context.io.out.write(context.style.rich ? drawTree(nodes, context.style) : listEdges(nodes));
    const edges = edgesOf(services.values());
    const names = nodes.map(({ name }) => name);
    if (names.length > 1) say(context, orderText(edges, names, context.talk));
  }
  return 0;
}

/** In start order. */
export function graphOf(services: readonly ServiceSpec[]): readonly Node[] {
  const specs = new Map(services.map((spec) => [spec.name, spec]));
  const edges = edgesOf(services);
  const dependents = reverse(edges);
  const wave = waves(edges);
  return startOrder(edges).map((name) => ({
    name,
    depends_on: specs.get(name)?.depends_on ?? [],
    dependents: dependents.get(name) ?? [],
    wave: wave.get(name) ?? 0,
  }));
}

/** For programs and pipes: a line a service, with what it waits for. */
export function listEdges(nodes: readonly Node[]): string {
  return nodes
    .map(({ name, depends_on }) => [name, ...depends_on.map((d) => `${d.service}:${d.condition}`)].join('\t'))
    .map((line) => `${line}\n`)
    .join('');
}

/** A tree from those that wait for no service. A service with several needs is drawn in full below the first, then named. */
export function drawTree(nodes: readonly Node[], style: Style): string {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const drawn = new Set<string>();
  const lines: string[] = [];
  const bar = style.unicode ? '│  ' : '|  ';
  const draw = (node: Node, under: string | null, indent: string, branch: string): void => {
    const needs = node.depends_on.filter((d) => d.service !== under).map(({ service }) => service);
    const condition = node.depends_on.find((d) => d.service === under)?.condition;
    const also = needs.length > 0 && under !== null ? `, with ${needs.join(', ')}` : '';
    const note = condition === undefined ? '' : `  ${style.paint('grey', `when ${under} is ${condition}${also}`)}`;
    const again = drawn.has(node.name) && node.dependents.length > 0 ? ` ${glyph(style, 'cut')}` : '';
    lines.push(`${indent}${branch}${node.name}${again}${note}`);
    if (drawn.has(node.name)) return;
    drawn.add(node.name);
    const below = branch === '' ? '' : branch === `${glyph(style, 'lastBranch')} ` ? '   ' : bar;
    node.dependents.forEach((name, i) => {
      const next = byName.get(name);
      const isLast = i === node.dependents.length - 1;
      if (next) draw(next, node.name, indent + below, `${glyph(style, isLast ? 'lastBranch' : 'branch')} `);
    });
  };
  for (const node of nodes) if (node.depends_on.length === 0) draw(node, null, '', '');
  return lines.map((line) => `${line}\n`).join('');
}
