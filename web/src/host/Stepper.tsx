// A number with a button on each side: for a thumb that would miss a small field.

import { Minus, Plus } from "../parts/signs";
import { hostText } from "./text";

export function Stepper(props: {
  id: string;
  label: string;
  value: string;
  wrong?: string | undefined;
  hint?: string | undefined;
  decimal?: boolean;
  onStep: (by: number) => void;
  onText: (text: string) => void;
}) {
  const h = hostText.use();
  const { id, label, value, wrong, hint } = props;
  const note = wrong ?? hint;
  return (
    <div class="field stepper-field">
      <label for={id}>{label}</label>
      <span class="stepper">
        <button type="button" aria-label={h.less(label)} onClick={() => props.onStep(-1)}>
          <Minus />
        </button>
        <input
          id={id}
          value={value}
          inputMode={props.decimal === true ? "decimal" : "numeric"}
          autocomplete="off"
          aria-invalid={wrong !== undefined}
          aria-describedby={note === undefined ? undefined : `${id}-note`}
          onInput={(event) => props.onText(event.currentTarget.value)}
        />
        <button type="button" aria-label={h.more(label)} onClick={() => props.onStep(1)}>
          <Plus />
        </button>
      </span>
      {note !== undefined && (
        <small id={`${id}-note`} data-wrong={wrong !== undefined}>
          {note}
        </small>
      )}
    </div>
  );
}
