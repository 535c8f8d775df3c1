import type { ComponentChildren } from "preact";

import apricot from "../look/apricot.svg";

/** A page or list with nothing in it, said kindly. `whole`: it is the page. */
export function Still(props: { title: string; hint?: string; whole?: boolean; children?: ComponentChildren }) {
  const Heading = props.whole === true ? "h1" : "h2";
  return (
    <div class="still">
      <img src={apricot} alt="" />
      <Heading>{props.title}</Heading>
      {props.hint !== undefined && <p>{props.hint}</p>}
      {props.children}
    </div>
  );
}

export function Skeleton(props: { lines: number }) {
  return (
    <div aria-hidden="true">
      {Array.from({ length: props.lines }, (_, n) => (
        <div key={n} class={`skeleton skeleton-line ${n % 3 === 2 ? "short" : ""}`} />
      ))}
    </div>
  );
}
