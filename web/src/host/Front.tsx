// What the host puts in front of the room: cards and words.

import { useEffect, useState } from "preact/hooks";

import type { Product, Room } from "../gen/apricot/v1/room_pb";
import { useWords } from "../text";
import { useAct } from "./act";
import { notice, pinCards } from "./changes";
import { Said } from "./Said";
import { hostText } from "./text";

const CARDS_MAX = 3;

export function PinnedCards(props: { room: Room; products: readonly Product[] | undefined; onRoom: (room: Room) => void }) {
  const { money } = useWords();
  const h = hostText.use();
  const { room, products } = props;
  const act = useAct();
  const shown = room.cards.map(({ sku }) => sku);
  const [chosen, setChosen] = useState<readonly string[]>(shown);
  useEffect(() => setChosen(shown), [shown.join("\n")]);
  const changed = chosen.join("\n") !== shown.join("\n");

  const toggle = (sku: string): void => {
    setChosen(chosen.includes(sku) ? chosen.filter((known) => known !== sku) : [...chosen, sku].slice(-CARDS_MAX));
  };
  return (
    <section class="panel pin-panel" aria-labelledby="pin-heading">
      <h2 id="pin-heading">{h.pin}</h2>
      {products?.length === 0 && <p class="hint">{h.productEmpty}</p>}
      <ul class="picks">
        {(products ?? []).map((product) => (
          <li key={product.sku}>
            <button type="button" class="pick" aria-pressed={chosen.includes(product.sku)} onClick={() => toggle(product.sku)}>
              <span>{product.title}</span>
              {product.price !== undefined && <span class="hint">{money(product.price)}</span>}
            </button>
          </li>
        ))}
      </ul>
      {changed && (
        <button type="button" class="primary big" disabled={act.busy} onClick={() => void act.run(async () => props.onRoom(await pinCards(room.id, chosen)), h.pinned)}>
          {h.pinSave}
        </button>
      )}
      <Said act={act} />
    </section>
  );
}

export function NoticeForm(props: { room: Room }) {
  const h = hostText.use();
  const act = useAct();
  const [text, setText] = useState("");
  const send = async (): Promise<void> => {
    const said = text.trim();
    if (said === "") return;
    await act.run(async () => {
      await notice(props.room.id, said);
      setText("");
    }, h.noticeSent);
  };
  return (
    <section class="panel notice-panel">
      <form
        class="notice-form"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <label class="field" for="notice">
          <span>{h.notice}</span>
          <textarea id="notice" rows={2} maxLength={200} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <button type="submit" class="quiet big" disabled={act.busy || text.trim() === ""}>
          {h.noticeSend}
        </button>
      </form>
      <Said act={act} />
    </section>
  );
}
