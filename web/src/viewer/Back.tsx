// The way to the page that one came from, or to all rooms.

import { useState } from "preact/hooks";

import { Arrow } from "../parts/signs";
import { useWords } from "../text";

export function Back(props: { class?: string }) {
  const { t } = useWords();
  const [came] = useState(() => history.length > 1);
  const label = came ? t.pledge.back : t.room.back;
  return (
    <a
      class={`round ${props.class ?? ""}`}
      href="/"
      aria-label={label}
      onClick={(event) => {
        if (!came) return;
        event.preventDefault();
        history.back();
      }}
    >
      <Arrow />
    </a>
  );
}
