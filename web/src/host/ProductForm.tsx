// A new product. The number in the book is made from the clock when the host has none.

import { useState } from "preact/hooks";

import type { Product } from "../gen/apricot/v1/room_pb";
import { useWords } from "../text";
import { fromDecimal } from "../typed";
import { useAct } from "./act";
import { Said } from "./Said";
import { wholeNumber } from "./terms";
import { hostText } from "./text";
import { createProduct } from "./trade";

interface Draft {
  readonly title: string;
  readonly unit: string;
  readonly price: string;
  readonly onHand: string;
  readonly origin: string;
  readonly imageUrl: string;
  readonly sku: string;
  readonly category: "farm" | "other";
}

const EMPTY: Draft = { title: "", unit: "", price: "", onHand: "100", origin: "", imageUrl: "", sku: "", category: "farm" };
const ON_HAND_MAX = 1_000_000;

export function ProductForm(props: { onMade: (product: Product) => void }) {
  const { count } = useWords();
  const h = hostText.use();
  const act = useAct();
  const [draft, setDraft] = useState<Draft>(EMPTY);
  const [wrong, setWrong] = useState<ReadonlyMap<keyof Draft, string>>(new Map());

  const send = async (): Promise<void> => {
    const mistakes = new Map<keyof Draft, string>();
    const minor = fromDecimal(draft.price);
    const onHand = wholeNumber(draft.onHand);
    if (draft.title.trim() === "") mistakes.set("title", h.products.titleWrong);
    if (draft.unit.trim() === "") mistakes.set("unit", h.products.unitWrong);
    if (minor === undefined || minor === 0n) mistakes.set("price", h.wrongPrice);
    if (onHand === undefined || onHand > ON_HAND_MAX) mistakes.set("onHand", h.wrongNumber(count(0), count(ON_HAND_MAX)));
    if (draft.imageUrl.trim() !== "" && !/^(https:\/\/|\/(?![/\\]))[\x21-\x7e]*$/.test(draft.imageUrl.trim())) mistakes.set("imageUrl", h.roomForm.addressWrong);
    if (!/^[A-Za-z0-9._-]{0,40}$/.test(draft.sku.trim())) mistakes.set("sku", h.products.skuWrong);
    setWrong(mistakes);
    const [first] = mistakes.keys();
    if (first !== undefined || minor === undefined || onHand === undefined) {
      document.getElementById(`product-${first}`)?.focus();
      return;
    }
    await act.run(async () => {
      const product = await createProduct({
        sku: draft.sku.trim() === "" ? `p-${Date.now().toString(36)}` : draft.sku.trim(),
        title: draft.title.trim(),
        unit: draft.unit.trim(),
        price: { minor, currency: "CNY" },
        onHand,
        origin: draft.origin.trim(),
        imageUrl: draft.imageUrl.trim(),
        category: draft.category,
      });
      props.onMade(product);
    }, h.products.made);
  };

  const field = (name: Exclude<keyof Draft, "category">, label: string, options: { hint?: string; mode?: "decimal" | "numeric" | "url"; like?: string; max?: number }) => (
    <label class="field" for={`product-${name}`}>
      <span>{label}</span>
      <input
        id={`product-${name}`}
        value={draft[name]}
        inputMode={options.mode ?? "text"}
        maxLength={options.max}
        placeholder={options.like}
        autocomplete="off"
        aria-invalid={wrong.has(name)}
        aria-describedby={wrong.has(name) || options.hint !== undefined ? `product-${name}-note` : undefined}
        onInput={(event) => setDraft({ ...draft, [name]: event.currentTarget.value })}
      />
      {(wrong.has(name) || options.hint !== undefined) && (
        <small id={`product-${name}-note`} data-wrong={wrong.has(name)}>
          {wrong.get(name) ?? options.hint}
        </small>
      )}
    </label>
  );

  return (
    <form
      class="form"
      novalidate
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {field("title", h.products.title, { max: 80, like: h.products.titleLike })}
      {field("unit", h.products.unit, { max: 60, like: h.products.unitLike })}
      <div class="form-pair">
        {field("price", h.products.price, { mode: "decimal" })}
        {field("onHand", h.products.onHand, { mode: "numeric" })}
      </div>
      {field("origin", h.products.origin, { max: 80, like: h.products.originLike })}
      {field("imageUrl", h.products.image, { mode: "url", hint: h.products.imageHint })}
      <div class="form-pair">
        {field("sku", h.products.sku, { max: 40, hint: h.products.skuHint })}
        <label class="field" for="product-category">
          <span>{h.products.category}</span>
          <select id="product-category" value={draft.category} onChange={(event) => setDraft({ ...draft, category: event.currentTarget.value === "other" ? "other" : "farm" })}>
            <option value="farm">{h.products.farm}</option>
            <option value="other">{h.products.other}</option>
          </select>
        </label>
      </div>
      <button type="submit" class="primary big" data-testid="product-save" disabled={act.busy}>
        {h.products.create}
      </button>
      <Said act={act} />
    </form>
  );
}
