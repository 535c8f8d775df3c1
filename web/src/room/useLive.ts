import { useEffect, useReducer } from "preact/hooks";

import type { LiveRoom } from "./live";

/** Draws again whenever the room changes. */
export function useLive(live: LiveRoom): LiveRoom {
  const [, draw] = useReducer<number, void>((n) => n + 1, 0);
  const { changes } = live;
  useEffect(() => {
    // What came between the first drawing and now.
    if (live.changes !== changes) draw();
    return live.subscribe(() => draw());
  }, [live]);
  return live;
}
