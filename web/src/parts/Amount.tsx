// Money as a person reads it: a small sign, big figures, small cents.

import { useEffect, useRef, useState } from "preact/hooks";

import type { Money } from "../gen/apricot/v1/common_pb";
import { useWords } from "../text";
import { prefersStillness } from "./motion";

type Value = Pick<Money, "minor" | "currency">;

export function Amount(props: { value: Value; class?: string }) {
  const { moneyParts } = useWords();
  return (
    <span class={`money ${props.class ?? ""}`}>
      {moneyParts({ $typeName: "apricot.v1.Money", ...props.value }).map((part, at) => {
        if (part.type === "currency") return <span key={at} class="sign">{part.value}</span>;
        if (part.type === "decimal" || part.type === "fraction") return <span key={at} class="cents">{part.value}</span>;
        return part.value;
      })}
    </span>
  );
}

const CLIMB_MS = 900;

/** Climbs to a new value. It only ever moves towards the newest one; a reversal is shown at once. */
export function ClimbingAmount(props: { value: Value; class?: string }) {
  const { minor, currency } = props.value;
  const [shown, setShown] = useState(minor);
  const latest = useRef(minor);
  latest.current = shown;
  useEffect(() => {
    const from = latest.current;
    if (minor <= from || from === 0n || prefersStillness() || document.hidden) {
      setShown(minor);
      return undefined;
    }
    const startMs = performance.now();
    let frame = requestAnimationFrame(function climb(nowMs) {
      const part = Math.min(1, Math.max(0, (nowMs - startMs) / CLIMB_MS));
      const eased = 1 - (1 - part) ** 3;
      setShown(part === 1 ? minor : from + BigInt(Math.floor(Number(minor - from) * eased)));
      if (part < 1) frame = requestAnimationFrame(climb);
    });
    return () => cancelAnimationFrame(frame);
  }, [minor]);
  return <Amount value={{ minor: shown, currency }} class={props.class ?? ""} />;
}
