// The run sheet: what the host means to sell, in order, each with its plan. Lines move by dragging, by buttons and by arrow keys.

import { useEffect, useRef, useState } from "preact/hooks";

import { RunSheetItemSchema, type Room, type RunSheetItem } from "../gen/apricot/v1/room_pb";
import { drawingOf } from "../parts/drawings";
import { Photo } from "../parts/Photo";
import { Sheet } from "../parts/Sheet";
import { Plus } from "../parts/signs";
import { Skeleton, Still } from "../parts/Still";
import { apart, useWords } from "../text";
import { create } from "../wire/messages";
import { useAct } from "./act";
import { CARDS_MAX, toggled } from "./Cards";
import { pinCards } from "./changes";
import type { Desk } from "./desk";
import { OpenSale } from "./OpenSale";
import { inOrder, moved } from "./order";
import { ProductForm } from "./ProductForm";
import type { Rights } from "./rights";
import { RunSheetLine } from "./RunSheetLine";
import { RunSheetPlan } from "./RunSheetPlan";
import { Said } from "./Said";
import { hostText } from "./text";
import { useDrag } from "./useDrag";

const LINES_MAX = 50;

type Open = { readonly what: "sale" | "plan"; readonly sku: string } | { readonly what: "add" };

export function RunSheet(props: { desk: Desk; room: Room; rights: Rights }) {
  const { count } = useWords();
  const h = hostText.use();
  const { desk, room, rights } = props;
  const act = useAct();
  const [open, setOpen] = useState<Open>();
  // Shown at once; the record's order takes its place when it has answered.
  const [wanted, setWanted] = useState<readonly string[]>();
  const list = useRef<HTMLOListElement>(null);
  const focusNext = useRef<string>("");

  const recorded = desk.runSheet;
  const lines = recorded === undefined ? [] : wanted === undefined ? recorded : inOrder(recorded, wanted, ({ sku }) => sku);
  const skus = lines.map(({ sku }) => sku);
  const pinned = room.cards.map(({ sku }) => sku);

  const move = (from: number, to: number): void => {
    const order = moved(skus, from, to);
    if (order === skus) return;
    setWanted(order);
    const title = apart(desk.good(skus[from] ?? "").title);
    void act
      .run(() => desk.arrange((items) => inOrder(items, order, ({ sku }) => sku)), h.sheet.movedTo(title, count(to + 1), count(skus.length)))
      .then(() => setWanted((newest) => (newest === order ? undefined : newest)));
  };
  const drag = useDrag(list, move);

  // A line that moved by a key keeps the focus on the key's button.
  useEffect(() => {
    const key = focusNext.current;
    if (key === "") return;
    focusNext.current = "";
    list.current?.querySelector<HTMLElement>(`[data-focus="${CSS.escape(key)}"]`)?.focus();
  });

  const pin = async (sku: string): Promise<void> => {
    const cards = toggled(pinned, sku);
    if (cards.length > CARDS_MAX) act.refuse(h.cards.full);
    else await act.run(async () => desk.takeRoom(await pinCards(room.id, cards)), cards.includes(sku) ? h.cards.pinned : h.cards.unpinned);
  };
  const item = open === undefined || open.what === "add" ? undefined : lines.find(({ sku }) => sku === open.sku);
  const close = (): void => setOpen(undefined);

  return (
    <section class="panel sheet-panel" aria-labelledby="sheet-heading">
      <header class="panel-head">
        <h2 id="sheet-heading">{h.sheet.heading}</h2>
        {lines.length > 0 && <span class="hint">{h.sheet.count(count(lines.length))}</span>}
        {rights.sells && lines.length < LINES_MAX && (
          <button type="button" class="quiet" data-testid="sheet-add" onClick={() => setOpen({ what: "add" })}>
            <Plus />
            {h.sheet.add}
          </button>
        )}
      </header>
      {recorded === undefined && <Skeleton lines={6} />}
      {recorded?.length === 0 && (
        <Still title={rights.sells ? h.sheet.emptyTitle : h.sheet.emptyHelper} {...(rights.sells ? { hint: h.sheet.empty } : {})}>
          {rights.sells && (
            <button type="button" class="primary big" onClick={() => setOpen({ what: "add" })}>
              <Plus />
              {h.sheet.addHeading}
            </button>
          )}
        </Still>
      )}
      <ol class="sheet-lines" ref={list}>
        {lines.map((line, at) => (
          <RunSheetLine
            key={line.sku}
            desk={desk}
            rights={rights}
            item={line}
            at={at}
            of={lines.length}
            pinned={pinned.includes(line.sku)}
            busy={act.busy}
            drag={drag}
            onMove={(to, focus) => {
              focusNext.current = focus;
              move(at, to);
            }}
            onPin={() => void pin(line.sku)}
            onPlan={() => setOpen({ what: "plan", sku: line.sku })}
            onSale={() => setOpen({ what: "sale", sku: line.sku })}
          />
        ))}
      </ol>
      <Said act={act} />
      {open?.what === "sale" && <OpenSale desk={desk} sku={open.sku} item={item} onClose={close} />}
      {open?.what === "plan" && item !== undefined && <RunSheetPlan desk={desk} item={item} onClose={close} />}
      {open?.what === "add" && <AddLines desk={desk} lines={lines} onClose={close} />}
    </section>
  );
}

function AddLines(props: { desk: Desk; lines: readonly RunSheetItem[]; onClose: () => void }) {
  const { count, money } = useWords();
  const h = hostText.use();
  const { desk, lines } = props;
  const act = useAct();
  const [making, setMaking] = useState(false);
  const on = new Set(lines.map(({ sku }) => sku));
  const add = (sku: string): void => {
    const line = create(RunSheetItemSchema, { sku });
    void act.run(() => desk.arrange((items) => (items.some((known) => known.sku === sku) ? items : [...items, line])), h.sheet.added(apart(desk.good(sku).title)));
  };
  if (making) {
    return (
      <Sheet label={h.products.newHeading} testId="product-form" onClose={props.onClose}>
        <header class="sheet-head">
          <h2>{h.products.newHeading}</h2>
        </header>
        <ProductForm
          onMade={(product) => {
            desk.takeProduct(product);
            add(product.sku);
            setMaking(false);
          }}
        />
      </Sheet>
    );
  }
  return (
    <Sheet label={h.sheet.add} testId="sheet-add-sheet" onClose={props.onClose}>
      <header class="sheet-head">
        <h2>{h.sheet.addHeading}</h2>
        <p class="hint">{h.sheet.addHint}</p>
      </header>
      {desk.products === undefined && <Skeleton lines={4} />}
      {desk.products?.length === 0 && <p class="hint">{h.products.empty}</p>}
      <ul class="picks">
        {(desk.products ?? []).map((product) => (
          <li key={product.sku}>
            <button
              type="button"
              class="pick"
              data-testid="sheet-pick"
              data-sku={product.sku}
              aria-pressed={on.has(product.sku)}
              disabled={act.busy || on.has(product.sku)}
              onClick={() => add(product.sku)}
            >
              <Photo src={product.imageUrl} drawing={drawingOf(product.title)} class="pick-photo" />
              <span class="pick-words">
                <b>
                  <bdi>{product.title}</bdi>
                </b>
                <span class="hint">
                  {[product.price === undefined ? "" : money(product.price), h.onHand(count(product.onHand))].filter((part) => part !== "").join(" · ")}
                </span>
              </span>
              {on.has(product.sku) ? <span class="hint">{h.sheet.onIt}</span> : <Plus />}
            </button>
          </li>
        ))}
      </ul>
      <div class="sheet-foot">
        <Said act={act} />
        <button type="button" class="quiet big" onClick={() => setMaking(true)}>
          {h.products.make}
        </button>
      </div>
    </Sheet>
  );
}
