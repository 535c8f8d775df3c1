// Which logs this device has seen, how long they were, and a way to forget.

import { useState } from "preact/hooks";

import { useWords } from "../text";
import { forget, seenLogs } from "./seen";
import { verifyText } from "./text";

/** `found`: drawn again when something new was checked. */
export function MemoryPanel(_props: { found: unknown }) {
  const v = verifyText.use();
  const { count, stamp } = useWords();
  const [, setForgotten] = useState(0);
  const logs = seenLogs();
  return (
    <section class="paper">
      <h2>{v.memory.heading}</h2>
      {logs.length === 0 && <p>{v.memory.none}</p>}
      <ul class="memory">
        {logs.map(({ origin, size, atMs }) => (
          <li key={origin} data-testid="seen" data-size={size}>
            <span>
              <bdi>{origin}</bdi>
              <span class="hint">{v.memory.seen(count(size), stamp(atMs))}</span>
            </span>
            <button
              type="button"
              class="plain unprinted"
              onClick={() => {
                forget(origin);
                setForgotten((n) => n + 1);
              }}
            >
              {v.memory.forget}
            </button>
          </li>
        ))}
      </ul>
      <p class="hint">{v.memory.hint}</p>
    </section>
  );
}
