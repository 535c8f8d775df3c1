import type { Act } from "./act";

/** What came of the last change. */
export function Said(props: { act: Act }) {
  const { said } = props.act;
  return (
    <p class={said === undefined ? "unseen" : said.wrong ? "wrong" : "done"} role="status">
      {said?.text}
    </p>
  );
}
