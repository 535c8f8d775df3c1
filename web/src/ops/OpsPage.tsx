// The whole page: the way around it, how things stand, and the part that somebody is looking at.

import { useEffect, useState } from "preact/hooks";

import { LanguageSwitch, MotionSwitch, useTitle } from "../parts/page";
import { Skeleton, Still } from "../parts/Still";
import { useLater } from "../parts/Later";
import { problemText } from "../parts/names";
import { useWords } from "../text";
import type { Claims } from "../wire/claims";
import { ActingProvider } from "./Acting";
import { Audit } from "./Audit";
import { GROUPS } from "./charts";
import { Charts, useLook } from "./Charts";
import { Feed } from "./feed";
import { Money } from "./Money";
import { FunnelAndNodes, Standing } from "./Overview";
import { usePolled } from "./polled";
import { readOverview } from "./record";
import { RoomInDepth } from "./RoomInDepth";
import { Rooms } from "./Rooms";
import { VIEWS, useRoute } from "./route";
import { SIGNS } from "./signs";
import { StatusLine } from "./StatusLine";
import { opsText } from "./text";

const loadPools = async () => (await import("./pools/Pools")).Pools;
const loadRemittances = async () => (await import("./remit/Remittances")).Remittances;

const OVERVIEW_EVERY_MS = 2_000;

export function OpsPage(props: { fragment: URLSearchParams; me: Claims }) {
  const { t } = useWords();
  const o = opsText.use();
  const [feed] = useState(() => new Feed());
  useEffect(() => feed.start(), [feed]);
  const { view, room } = useRoute(props.fragment);
  const overview = usePolled(readOverview, OVERVIEW_EVERY_MS);
  const { look, setRange, setNode } = useLook(feed);
  useTitle(`${room ?? o.views[view]} · ${o.ops} · ${t.brand}`);
  useEffect(() => scrollTo(0, 0), [view, room]);

  const refused = overview.problem?.type;
  if (refused === "token-invalid" || refused === "token-required" || refused === "forbidden") {
    return (
      <main>
        <Still whole title={refused === "forbidden" ? o.forbidden : o.tokenRefused} hint={refused === "forbidden" ? o.forbiddenHint : o.tokenHint} />
      </main>
    );
  }
  const charts = (plans: (typeof GROUPS)[keyof typeof GROUPS], heading: string) => <Charts plans={plans} look={look} setRange={setRange} setNode={setNode} heading={heading} />;
  return (
    <ActingProvider may={props.me.role === "ops"}>
      <div class="ops">
        <nav class="rail" aria-label={o.rail}>
          <p class="rail-brand">
            <b>{t.brand}</b> <span>{o.ops}</span>
          </p>
          <ul>
            {VIEWS.map((one) => {
              const Sign = SIGNS[one];
              return (
                <li key={one}>
                  <a href={`#view=${one}`} aria-current={one === view ? "page" : undefined} data-testid={`view-${one}`}>
                    <Sign />
                    <span>{o.views[one]}</span>
                  </a>
                </li>
              );
            })}
          </ul>
          <p class="rail-foot hint">
            <span>
              <bdi>{props.me.name}</bdi> · {props.me.role === "ops" ? o.roleOps : o.roleAuditor}
            </span>
            {overview.value !== undefined && <span>{o.version(overview.value.version)}</span>}
          </p>
        </nav>
        <div class="ops-side">
          <header class="ops-top">
            <StatusLine feed={feed} overview={overview} />
            <div class="ops-switches">
              <MotionSwitch />
              <LanguageSwitch />
            </div>
          </header>
          <main class="ops-main" data-skip data-view={view}>
            <h1 class={room === undefined ? "" : "unseen"}>{o.views[view]}</h1>
            {overview.problem !== undefined && overview.value === undefined && (
              <p class="wrong" role="alert">
                {problemText(t, overview.problem)}
              </p>
            )}
            {view === "overview" && (
              <>
                {overview.value === undefined ? <Skeleton lines={8} /> : <Standing feed={feed} overview={overview.value} readAtMs={overview.readAtMs} />}
                {charts(GROUPS.overview, o.lately)}
                {overview.value !== undefined && <FunnelAndNodes feed={feed} overview={overview.value} look={overview.look} />}
              </>
            )}
            {view === "rooms" && room === undefined && (overview.value === undefined ? <Skeleton lines={8} /> : <Rooms rooms={overview.value.rooms} />)}
            {room !== undefined && <RoomInDepth key={room} roomId={room} overview={overview.value?.rooms.find((one) => one.room?.id === room)} />}
            {view === "delivery" && charts(GROUPS.delivery, o.deliveryCharts)}
            {view === "record" && charts(GROUPS.record, o.recordCharts)}
            {view === "money" && (
              <>
                <Money feed={feed} balance={overview.value?.trialBalance} />
                {charts(GROUPS.money, o.moneyCharts)}
              </>
            )}
            {view === "remittances" && <LaterRemittances me={props.me} />}
            {view === "pools" && <LaterPools />}
            {view === "audit" && <Audit />}
          </main>
        </div>
      </div>
    </ActingProvider>
  );
}

function LaterPools() {
  const { t } = useWords();
  const loaded = useLater(loadPools);
  if (loaded.kind === "loading") return <Skeleton lines={8} />;
  if (loaded.kind === "failed") return <Still title={t.problems.lost} />;
  return <loaded.part />;
}

function LaterRemittances(props: { me: Claims }) {
  const { t } = useWords();
  const loaded = useLater(loadRemittances);
  if (loaded.kind === "loading") return <Skeleton lines={8} />;
  if (loaded.kind === "failed") return <Still title={t.problems.lost} />;
  return <loaded.part me={props.me.subject} />;
}
