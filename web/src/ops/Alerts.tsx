import { Severity } from "../gen/apricot/v1/ops_pb";
import { useWords } from "../text";
import { useFeed, type Feed } from "./feed";
import { alertAbout, alertWords } from "./names";
import { opsText } from "./text";

/** What wakes somebody, each with the sentence that says what to do. */
export function Alerts(props: { feed: Feed }) {
  const { count, moment, language } = useWords();
  const o = opsText.use();
  const feed = useFeed(props.feed);
  const alerts = feed.alerts();
  if (alerts.length === 0) return null;
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  return (
    <section class="block alerts" aria-labelledby="alerts-heading">
      <h2 id="alerts-heading">{o.alertsHeading(count(alerts.length))}</h2>
      <ul>
        {alerts.map(({ alert, nodes }) => {
          const words = alertWords(o, alert);
          const critical = alert.severity === Severity.CRITICAL;
          return (
            <li key={`${alert.kind}/${alert.about}`} class="alert" data-testid="alert" data-kind={alert.kind} data-critical={critical}>
              <p class="alert-name">
                <span class="alert-grade">{critical ? o.critical : o.warning}</span> <b>{words.name}</b>
                {alert.about !== "" && <bdi>{alertAbout(o, alert)}</bdi>}
              </p>
              <p>{words.does === "" ? o.alertUnknown : words.does}</p>
              <p class="hint">
                {o.alertNumbers(`${number.format(alert.value)}${words.unit}`, `${number.format(alert.bound)}${words.unit}`, moment(Number(alert.sinceMs), Date.now()), nodes.join(", "))}
              </p>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
