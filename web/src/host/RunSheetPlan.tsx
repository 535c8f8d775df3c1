// A line's plan in a sheet: the terms, and what to say about it.

import { useState } from "preact/hooks";

import { RunSheetItemSchema, type RunSheetItem } from "../gen/apricot/v1/room_pb";
import { Sheet } from "../parts/Sheet";
import { apart } from "../text";
import { create } from "../wire/messages";
import { useAct } from "./act";
import type { Desk } from "./desk";
import { Said } from "./Said";
import { draftOf, readDraft, type Mistakes } from "./terms";
import { TermsFields } from "./TermsFields";
import { hostText } from "./text";

export function RunSheetPlan(props: { desk: Desk; item: RunSheetItem; onClose: () => void }) {
  const h = hostText.use();
  const { desk, item } = props;
  const { sku } = item;
  const act = useAct();
  const good = desk.good(sku);
  const [draft, setDraft] = useState(() => draftOf(item, good.price, good.onHand));
  const [note, setNote] = useState(item.note);
  const [mistakes, setMistakes] = useState<Mistakes>(new Set());
  const [removing, setRemoving] = useState(false);

  const save = async (): Promise<void> => {
    const read = readDraft(draft);
    if ("mistakes" in read) {
      setMistakes(read.mistakes);
      const [first] = read.mistakes;
      document.getElementById(`sale-${first}`)?.focus();
      return;
    }
    const { terms } = read;
    const planned = create(RunSheetItemSchema, {
      sku,
      price: { minor: terms.priceMinor, currency: good.price?.currency ?? "CNY" },
      stock: terms.stock,
      limitPerBuyer: terms.limit,
      holdSeconds: terms.holdSeconds,
      durationSeconds: terms.minutes * 60,
      pledgeId: terms.pledgeId,
      note: note.trim(),
    });
    if (await act.run(() => desk.arrange((items) => items.map((known) => (known.sku === sku ? planned : known))), "")) props.onClose();
  };
  const remove = async (): Promise<void> => {
    if (await act.run(() => desk.arrange((items) => items.filter((known) => known.sku !== sku)), "")) props.onClose();
  };

  return (
    <Sheet label={h.sheet.edit(apart(good.title))} testId="plan-sheet" onClose={props.onClose}>
      <header class="sheet-head">
        <p class="hint">{h.sheet.plan}</p>
        <h2>
          <bdi>{good.title}</bdi>
        </h2>
      </header>
      <form
        class="form"
        novalidate
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <TermsFields draft={draft} mistakes={mistakes} everyday={good.price} onHand={good.onHand} pledges={desk.pledges} onChange={setDraft} />
        <label class="field" for="plan-note">
          <span>{h.sheet.note}</span>
          <textarea id="plan-note" rows={3} maxLength={200} placeholder={h.sheet.noteLike} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
        </label>
        <div class="sheet-foot">
          <Said act={act} />
          <button type="submit" class="primary big" data-testid="plan-save" disabled={act.busy}>
            {h.sheet.save}
          </button>
          {removing ? (
            <button type="button" class="grave big" data-testid="plan-remove-sure" disabled={act.busy} onClick={() => void remove()}>
              {h.sheet.removeSure}
            </button>
          ) : (
            <button type="button" class="plain" data-testid="plan-remove" onClick={() => setRemoving(true)}>
              {h.sheet.remove}
            </button>
          )}
        </div>
      </form>
    </Sheet>
  );
}
