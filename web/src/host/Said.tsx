import type { Act } from "./act";

/** What came of the last change. Its place is there from the start, so that a screen reader hears it. */
export function Said(props: { act: Act }) {
  const { said } = props.act;
  return (
    <p class={said === undefined ? "unseen" : said.wrong ? "said wrong" : "said done"} role="status">
      {said?.text}
    </p>
  );
}
