import type { ComponentChildren } from "preact";

/** A name and what it is, in a `<dl class="facts">`. */
export function Fact(props: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}
