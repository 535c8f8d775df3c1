// Units more or fewer, of a product or of a running sale. What was promised to somebody can't be taken away; the sheet says where the end is.

import { useState } from "preact/hooks";

import { Sheet } from "../parts/Sheet";
import { Minus, Plus } from "../parts/signs";
import { useWords } from "../text";
import { useAct } from "./act";
import { Said } from "./Said";
import { wholeNumber } from "./terms";
import { hostText } from "./text";

export function StockSheet(props: {
  title: string;
  now: string;
  /** The most that can be taken away, as a negative number. */
  least: number;
  /** The most that can be added, where it is known. */
  most: number | undefined;
  leastHint: string;
  mostHint: (onHand: string) => string;
  onClose: () => void;
  change: (by: number) => Promise<void>;
}) {
  const { count } = useWords();
  const h = hostText.use();
  const act = useAct();
  const [adding, setAdding] = useState(true);
  const [text, setText] = useState("10");
  const units = wholeNumber(text);
  const bound = adding ? props.most : -props.least;
  const beyond = units !== undefined && bound !== undefined && units > bound;
  const hint = adding ? (props.most === undefined ? undefined : props.mostHint(count(props.most))) : props.leastHint;

  const send = async (): Promise<void> => {
    if (units === undefined || units === 0) {
      act.refuse(h.wrongNumber(count(1), count(bound ?? 1_000_000)));
      return;
    }
    const done = await act.run(
      () => props.change(adding ? units : -units),
      h.saved,
      (problem) => (problem.type === "stock-short" ? h.stockSheet.short(problem.bound) : undefined),
    );
    if (done) props.onClose();
  };

  return (
    <Sheet label={props.title} testId="stock-sheet" onClose={props.onClose}>
      <header class="sheet-head">
        <h2>{props.title}</h2>
        <p class="hint">{props.now}</p>
      </header>
      <form
        class="form"
        novalidate
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <div class="choices" role="group" aria-label={h.stockSheet.which}>
          <button type="button" class="choice" aria-pressed={adding} data-testid="stock-add" onClick={() => setAdding(true)}>
            <Plus />
            {h.stockSheet.add}
          </button>
          <button type="button" class="choice" aria-pressed={!adding} data-testid="stock-take" onClick={() => setAdding(false)}>
            <Minus />
            {h.stockSheet.take}
          </button>
        </div>
        <label class="field" for="stock-units">
          <span>{h.stockSheet.units}</span>
          <input
            id="stock-units"
            value={text}
            inputMode="numeric"
            autocomplete="off"
            aria-invalid={beyond}
            aria-describedby="stock-note"
            onInput={(event) => setText(event.currentTarget.value)}
          />
          <small id="stock-note" data-wrong={beyond}>
            {hint}
          </small>
        </label>
        <div class="chips">
          {[1, 10, 50, 100].map((n) => (
            <button key={n} type="button" class="chip" onClick={() => setText(String(n))}>
              {count(n)}
            </button>
          ))}
          {bound !== undefined && bound > 0 && (
            <button type="button" class="chip" onClick={() => setText(String(bound))}>
              {h.stockSheet.all(count(bound))}
            </button>
          )}
        </div>
        <button type="submit" class={adding ? "primary big" : "grave big"} data-testid="stock-send" disabled={act.busy}>
          {units === undefined ? h.stockSheet.send : adding ? h.stockSheet.addUnits(count(units)) : h.stockSheet.takeUnits(count(units))}
        </button>
        <Said act={act} />
      </form>
    </Sheet>
  );
}
