import type { ComponentChildren } from "preact";

import { Sheet } from "../parts/Sheet";

/** Asks once more before something that can't be taken back. The way out is the larger target for a wet thumb. */
export function Ask(props: { title: string; hint?: string; yes: string; no: string; testId: string; onYes: () => void; onNo: () => void; children?: ComponentChildren }) {
  return (
    <Sheet label={props.title} onClose={props.onNo}>
      <header class="sheet-head">
        <h2>{props.title}</h2>
        {props.hint !== undefined && <p class="hint">{props.hint}</p>}
      </header>
      {props.children}
      <div class="sheet-act">
        <button type="button" class="grave big" data-testid={props.testId} onClick={props.onYes}>
          {props.yes}
        </button>
        <button type="button" class="quiet big" onClick={props.onNo}>
          {props.no}
        </button>
      </div>
    </Sheet>
  );
}
