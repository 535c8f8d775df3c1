// What somebody who was just woken reads first: all is well, or how much is not. It never says well of what it has not heard.

import type { Overview } from "../gen/apricot/v1/ops_pb";
import { useServerTime } from "../parts/time";
import { useWords } from "../text";
import { STALLED_MS, useFeed, type Feed } from "./feed";
import type { Polled } from "./polled";
import { opsText } from "./text";

const OVERVIEW_LATE_MS = 8_000;

export type Standing = "opening" | "good" | "warning" | "critical" | "blind";

export function StatusLine(props: { feed: Feed; overview: Polled<Overview> }) {
  const { count } = useWords();
  const o = opsText.use();
  const feed = useFeed(props.feed);
  const now = useServerTime(0);
  const { overview } = props;
  const alerts = feed.alerts();
  const broken = overview.value?.lights.filter(({ violations }) => violations > 0).length ?? 0;
  const unequal = (overview.value?.oversoldLots ?? 0) > 0 || Object.values(overview.value?.trialBalance?.sumMinor ?? {}).some((sum) => sum !== 0n);
  const silentMs = feed.silentMs(now);
  const overviewMs = overview.value === undefined ? 0 : now - overview.readAtMs;
  const blind = silentMs > STALLED_MS || overviewMs > OVERVIEW_LATE_MS;
  const critical = alerts.some(({ alert }) => alert.severity === 2) || broken > 0 || unequal;
  const number = Math.max(alerts.length, broken, unequal ? 1 : 0);
  const opening = feed.heardAtMs === 0 && !blind;
  const standing: Standing = blind ? "blind" : critical ? "critical" : number > 0 ? "warning" : opening || overview.value === undefined ? "opening" : "good";

  const text =
    standing === "blind"
      ? silentMs > STALLED_MS
        ? o.status.silent(count(Math.floor(silentMs / 1000)))
        : o.status.late(count(Math.floor(overviewMs / 1000)))
      : standing === "opening"
        ? o.status.opening
        : standing === "good"
          ? o.status.good
          : o.status.alerts(number, count(number));
  return (
    <div class="status" data-testid="status" data-standing={standing} data-link={feed.link.kind}>
      <i class="status-sign" aria-hidden="true" />
      <p role="status">
        <b>{text}</b> {standing === "blind" && <span>{number > 0 ? o.status.blindWith(count(number)) : o.status.blindHint}</span>}
        {standing === "good" && <span class="status-more">{o.status.goodHint}</span>}
        {(standing === "critical" || standing === "warning") && <a href="#view=overview">{o.status.see}</a>}
      </p>
      {feed.link.kind === "waiting" && (
        <button type="button" class="plain" onClick={() => feed.comeBackNow()}>
          {o.status.again(count(Math.max(1, Math.ceil((feed.link.untilMs - now) / 1000))))}
        </button>
      )}
      {feed.link.kind === "over" && <span class="hint">{o.status.over}</span>}
    </div>
  );
}
