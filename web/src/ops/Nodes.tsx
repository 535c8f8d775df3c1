import type { Node } from "../gen/apricot/v1/ops_pb";
import { useWords } from "../text";
import { useActing } from "./Acting";
import { useFeed, type Feed } from "./feed";
import { drain } from "./record";
import { opsText } from "./text";
import { shown } from "./units";

/** A node that said nothing for this long is away. */
const SILENT_MS = 6_000;

export function Nodes(props: { feed: Feed; nodes: readonly Node[]; serverMs: number; look: () => void }) {
  const { count, language, stamp } = useWords();
  const o = opsText.use();
  const { may, ask } = useActing();
  const feed = useFeed(props.feed);
  const draining = (node: Node): void =>
    ask({
      title: o.acts.drain.title(node.name),
      happens: o.acts.drain.happens(count(node.viewers), props.nodes.length === 1),
      yes: o.acts.drain.yes,
      grave: true,
      typed: node.name,
      act: (reason) => drain(node.name, reason),
      leaves: "drain-node",
      then: props.look,
    });
  return (
    <section class="block" aria-labelledby="nodes-heading">
      <header class="block-head">
        <h2 id="nodes-heading">{o.nodes}</h2>
      </header>
      <ul class="nodes">
        {props.nodes.map((node) => {
          const silent = props.serverMs - Number(node.heardAtMs) > SILENT_MS;
          const state = silent ? "silent" : node.draining ? "draining" : "up";
          const reading = feed.newestOf(node.name);
          return (
            <li key={`${node.name}/${node.startedAtMs}`} class="node" data-testid="node" data-state={state}>
              <p class="node-name">
                <b>{node.name}</b> <span class="tag" data-tone={state === "up" ? "good" : state === "draining" ? "soft" : "bad"}>{o.nodeStates[state]}</span>
              </p>
              <p class="hint">
                {o.nodeLine(count(node.viewers), node.version, stamp(Number(node.startedAtMs)))}
                {node.here && ` · ${o.here}`}
              </p>
              {reading !== undefined && !silent && (
                <p class="hint node-figures">
                  {o.nodeFigures(shown(reading.cpuPpm / 1_000_000, "share", language), shown(Number(reading.memoryBytes), "bytes", language), count(reading.openFiles))}
                </p>
              )}
              {may && state === "up" && (
                <button type="button" class="act grave" data-testid="drain" onClick={() => draining(node)}>
                  {o.acts.drain.button}
                </button>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
