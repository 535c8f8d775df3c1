// What somebody who was just woken reads first: all is well, or how much is not. It never says well of what it has not heard.

import type { Overview } from "../gen/apricot/v1/ops_pb";
import { useServerTime } from "../parts/time";
import { useWords } from "../text";
import { useFeed, type Feed } from "./feed";
import type { Polled } from "./polled";
import { standingOf } from "./standing";
import { opsText } from "./text";

export function StatusLine(props: { feed: Feed; overview: Polled<Overview> }) {
  const { count } = useWords();
  const o = opsText.use();
  const feed = useFeed(props.feed);
  const now = useServerTime(0);
  const { value: overview, readAtMs } = props.overview;
  const alerts = feed.alerts().map(({ alert }) => alert);
  const standing = standingOf({ alerts, silentMs: feed.silentMs(now), opening: feed.heardAtMs === 0, overview, readAtMs, nowMs: now });
  const whole = (ms: number, unit: number): string => count(Math.floor(ms / unit));

  const said = ((): { readonly text: string; readonly hint?: string; readonly more?: string } => {
    switch (standing.kind) {
      case "opening":
        return { text: o.status.opening };
      case "good":
        return { text: o.status.good, more: o.status.goodHint };
      case "unread":
        return { text: o.status.unread(whole(standing.ageMs, 60_000)), hint: o.status.unreadHint };
      case "warning":
      case "critical":
        return { text: o.status.alerts(standing.number, count(standing.number)) };
      case "blind":
        return {
          text: (standing.of === "feed" ? o.status.silent : o.status.late)(whole(standing.forMs, 1_000)),
          hint: standing.number > 0 ? o.status.blindWith(count(standing.number)) : o.status.blindHint,
        };
    }
  })();
  return (
    <div class="status" data-testid="status" data-standing={standing.kind} data-link={feed.link.kind}>
      <i class="status-sign" aria-hidden="true" />
      <p role="status">
        <b>{said.text}</b> {said.hint !== undefined && <span>{said.hint}</span>}
        {said.more !== undefined && <span class="status-more">{said.more}</span>}
        {(standing.kind === "critical" || standing.kind === "warning" || standing.kind === "unread") && <a href="#view=overview">{o.status.see}</a>}
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
