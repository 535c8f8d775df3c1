// Writes a flash sale and opens it. The numbers of the last one are there for the next.

import { useEffect, useState } from "preact/hooks";

import type { Product } from "../gen/apricot/v1/room_pb";
import { fromDecimal, toDecimal } from "../money";
import type { LiveRoom } from "../room/live";
import { useWords } from "../text";
import { device } from "../wire/memory";
import { useAct } from "./act";
import { createSale } from "./changes";
import { Said } from "./Said";
import { hostText } from "./text";

/** Every field is text until it is sent: half a number is not an error while a thumb is typing. */
interface Draft {
  readonly sku: string;
  readonly price: string;
  readonly stock: string;
  readonly limit: string;
  readonly holdSeconds: string;
  readonly minutes: string;
  readonly pledgeId: string;
}

type NumberField = "stock" | "limit" | "holdSeconds" | "minutes";

// The bounds of CreateSale.
const BOUNDS: Record<NumberField, readonly [low: number, high: number]> = {
  stock: [1, 1_000_000],
  limit: [1, 99],
  holdSeconds: [10, 3_600],
  minutes: [1, 1_440],
};
const FIRST: Draft = { sku: "", price: "", stock: "50", limit: "2", holdSeconds: "180", minutes: "10", pledgeId: "" };
const PLEDGE = "apricot.pledge";

export function SaleForm(props: { live: LiveRoom; products: readonly Product[] | undefined }) {
  const { count } = useWords();
  const h = hostText.use();
  const { live, products } = props;
  const act = useAct();
  const [draft, setDraft] = useState<Draft>({ ...FIRST, pledgeId: device.recall(PLEDGE) ?? "" });
  const [wrong, setWrong] = useState<ReadonlyMap<keyof Draft, string>>(new Map());
  const pledges = [...new Map([...live.view.sales.values()].flatMap(({ pledge }) => (pledge === undefined ? [] : [[pledge.id, pledge.project] as const])))];

  const choose = (sku: string): void => {
    const price = products?.find((product) => product.sku === sku)?.price;
    setDraft({ ...draft, sku, price: price === undefined ? draft.price : toDecimal(price.minor, 2) });
  };
  useEffect(() => {
    const first = products?.[0];
    if (draft.sku === "" && first !== undefined) choose(first.sku);
  }, [products]);

  const send = async (openNow: boolean): Promise<void> => {
    const mistakes = new Map<keyof Draft, string>();
    const minor = fromDecimal(draft.price);
    if (minor === undefined || minor === 0n) mistakes.set("price", h.wrongPrice);
    const numbers = { stock: 0, limit: 0, holdSeconds: 0, minutes: 0 };
    for (const field of ["stock", "limit", "holdSeconds", "minutes"] as const) {
      const [low, high] = BOUNDS[field];
      const text = draft[field].normalize("NFKC").trim();
      const value = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
      if (value >= low && value <= high) numbers[field] = value;
      else mistakes.set(field, h.wrongNumber(count(low), count(high)));
    }
    if (draft.sku === "") mistakes.set("sku", h.productEmpty);
    setWrong(mistakes);
    const [first] = mistakes.keys();
    if (first !== undefined || minor === undefined) {
      document.getElementById(`sale-${first}`)?.focus();
      return;
    }
    device.keep(PLEDGE, draft.pledgeId.trim());
    await act.run(async () => {
      const sale = await createSale(live.roomId, {
        sku: draft.sku,
        price: { minor, currency: "CNY" },
        stock: numbers.stock,
        limitPerBuyer: numbers.limit,
        holdSeconds: numbers.holdSeconds,
        durationSeconds: numbers.minutes * 60,
        pledgeId: draft.pledgeId.trim(),
        openNow,
      });
      live.takeSales([sale]);
    }, openNow ? h.created : h.saved);
  };

  const mistake = (field: keyof Draft) => {
    const text = wrong.get(field);
    return text === undefined ? null : <small id={`sale-${field}-wrong`}>{text}</small>;
  };
  const input = (field: Exclude<keyof Draft, "sku">, label: string, inputMode: "numeric" | "decimal" | "text") => (
    <label class="field" for={`sale-${field}`}>
      <span>{label}</span>
      <input
        id={`sale-${field}`}
        name={field}
        value={draft[field]}
        inputMode={inputMode}
        autocomplete="off"
        aria-invalid={wrong.has(field)}
        aria-describedby={wrong.has(field) ? `sale-${field}-wrong` : undefined}
        onInput={(event) => setDraft({ ...draft, [field]: event.currentTarget.value })}
      />
      {mistake(field)}
    </label>
  );

  return (
    <section class="panel form-panel" aria-labelledby="form-heading">
      <h2 id="form-heading">{h.newSale}</h2>
      <form
        class="sale-form"
        novalidate
        onSubmit={(event) => {
          event.preventDefault();
          void send(true);
        }}
      >
        <label class="field wide" for="sale-sku">
          <span>{h.product}</span>
          <select id="sale-sku" name="sku" value={draft.sku} aria-invalid={wrong.has("sku")} onChange={(event) => choose(event.currentTarget.value)}>
            {(products ?? []).map((product) => (
              <option key={product.sku} value={product.sku}>
                {`${product.title} · ${h.onHand(count(product.onHand))}`}
              </option>
            ))}
          </select>
          {mistake("sku")}
        </label>
        {input("price", h.price, "decimal")}
        {input("stock", h.stockField, "numeric")}
        {input("limit", h.limit, "numeric")}
        {input("minutes", h.minutes, "numeric")}
        {input("holdSeconds", h.holdSeconds, "numeric")}
        {input("pledgeId", h.pledge, "text")}
        {pledges.length > 0 && (
          <div class="chips wide">
            {pledges.map(([id, project]) => (
              <button key={id} type="button" class="chip" aria-pressed={draft.pledgeId === id} onClick={() => setDraft({ ...draft, pledgeId: id })}>
                {project}
              </button>
            ))}
            <button type="button" class="chip" aria-pressed={draft.pledgeId === ""} onClick={() => setDraft({ ...draft, pledgeId: "" })}>
              {h.pledgeNone}
            </button>
          </div>
        )}
        <p class="hint wide">{h.pledgeHint}</p>
        <button type="submit" class="primary big wide" data-testid="sale-create" disabled={act.busy}>
          {h.create}
        </button>
        <button type="button" class="quiet wide" data-testid="sale-create-later" disabled={act.busy} onClick={() => void send(false)}>
          {h.createLater}
        </button>
        <div class="wide">
          <Said act={act} />
        </div>
      </form>
    </section>
  );
}
