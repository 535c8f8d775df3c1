import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { useWords } from "../text";
import { Cross } from "./signs";

/** A dialog from the bottom of a phone, in the middle of a desk. The browser keeps the focus inside and closes it on Escape. */
export function Sheet(props: { label: string; testId?: string; class?: string; onClose: () => void; children: ComponentChildren }) {
  const { t } = useWords();
  const ref = useRef<HTMLDialogElement>(null);
  const gone = useRef(false);
  useEffect(() => {
    const dialog = ref.current;
    if (dialog === null) return undefined;
    if (!dialog.open) dialog.showModal();
    return () => {
      // The page may close it by not drawing it any more; closed in order, the focus goes back to where it came from.
      gone.current = true;
      if (dialog.open) dialog.close();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class={`sheet ${props.class ?? ""}`}
      data-testid={props.testId}
      aria-label={props.label}
      onClose={() => {
        // Its event comes late, when another sheet may stand here.
        if (!gone.current) props.onClose();
      }}
      onClick={(event) => {
        if (event.target === ref.current) ref.current?.close();
      }}
    >
      <div class="sheet-inside">
        <button type="button" class="round sheet-close" aria-label={t.close} onClick={() => ref.current?.close()}>
          <Cross />
        </button>
        {props.children}
      </div>
    </dialog>
  );
}
