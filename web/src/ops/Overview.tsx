// How things stand: what is wrong and what to do, the numbers that matter, the rules of the record, the nodes.

import type { Overview as Seen } from "../gen/apricot/v1/ops_pb";
import { RoomState } from "../gen/apricot/v1/room_pb";
import { useWords } from "../text";
import { Alerts } from "./Alerts";
import type { Feed } from "./feed";
import { useFeed } from "./feed";
import { FunnelSteps } from "./FunnelSteps";
import { Lights } from "./Lights";
import { Nodes } from "./Nodes";
import type { Series } from "./series";
import { opsText } from "./text";
import { shown, type Unit } from "./units";

interface Props {
  readonly feed: Feed;
  readonly overview: Seen;
}

/** Above the charts. */
export function Standing(props: Props & { readAtMs: number }) {
  return (
    <>
      <Alerts feed={props.feed} />
      <Tiles {...props} />
      <Lights overview={props.overview} readAtMs={props.readAtMs} />
    </>
  );
}

/** Below them: what is looked at more rarely. */
export function FunnelAndNodes(props: Props & { look: () => void }) {
  const o = opsText.use();
  const { overview, feed } = props;
  return (
    <div class="pair">
      <section class="block" aria-labelledby="funnel-heading">
        <header class="block-head">
          <h2 id="funnel-heading">{o.funnelAll}</h2>
        </header>
        <FunnelSteps funnel={overview.funnel} />
      </section>
      <Nodes feed={feed} nodes={overview.nodes} serverMs={Number(overview.serverTimeMs)} look={props.look} />
    </div>
  );
}

const TILES: readonly { readonly name: "connections" | "deliveries" | "delay" | "holds" | "commits" | "commitTime"; readonly series: readonly Series[]; readonly unit: Unit }[] = [
  { name: "connections", series: ["connections"], unit: "count" },
  { name: "deliveries", series: ["deliveries.critical", "deliveries.state", "deliveries.chat"], unit: "perSecond" },
  { name: "delay", series: ["delay.critical.p99"], unit: "ms" },
  { name: "holds", series: ["granted"], unit: "perSecond" },
  { name: "commits", series: ["commits"], unit: "perSecond" },
  { name: "commitTime", series: ["commit.p99"], unit: "ms" },
];

function Tiles(props: Props) {
  const { language, count } = useWords();
  const o = opsText.use();
  const feed = useFeed(props.feed);
  const endMs = feed.endMs("live");
  const live = props.overview.rooms.filter(({ room }) => room?.state === RoomState.LIVE).length;
  return (
    <dl class="tiles">
      <div class="tile">
        <dt>{o.tiles.rooms}</dt>
        <dd data-testid="tile-rooms">{count(live)}</dd>
      </div>
      {TILES.map(({ name, series, unit }) => {
        const known = series.map((one) => feed.board("live").last(one, "", endMs)).filter((value) => value !== undefined);
        return (
          <div class="tile" key={name}>
            <dt>{o.tiles[name]}</dt>
            <dd data-testid={`tile-${name}`}>{known.length === 0 ? "–" : shown(known.reduce((a, b) => a + b), unit, language)}</dd>
          </div>
        );
      })}
    </dl>
  );
}
