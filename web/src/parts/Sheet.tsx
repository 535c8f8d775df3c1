import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { useWords } from "../text";
import { Cross } from "./signs";

/** A dialog from the bottom of a phone, in the middle of a desk. The browser keeps the focus inside and closes it on Escape. */
export function Sheet(props: { label: string; testId?: string; onClose: () => void; children: ComponentChildren }) {
  const { t } = useWords();
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    if (dialog !== null && !dialog.open) dialog.showModal();
  }, []);
  return (
    <dialog
      ref={ref}
      class="sheet"
      data-testid={props.testId}
      aria-label={props.label}
      onClose={props.onClose}
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
