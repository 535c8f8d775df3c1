// For those who only help with the chat: which products stand in front of the room.

import type { Room } from "../gen/apricot/v1/room_pb";
import { drawingOf } from "../parts/drawings";
import { Photo } from "../parts/Photo";
import { Pin } from "../parts/signs";
import { apart, useWords } from "../text";
import { useAct } from "./act";
import { pinCards } from "./changes";
import type { Desk } from "./desk";
import { Said } from "./Said";
import { hostText } from "./text";

export const CARDS_MAX = 3;

/** The cards after a tap on one: it joins at the end, or leaves. */
export function toggled(cards: readonly string[], sku: string): readonly string[] {
  return cards.includes(sku) ? cards.filter((known) => known !== sku) : [...cards, sku];
}

export function Cards(props: { desk: Desk; room: Room }) {
  const { money } = useWords();
  const h = hostText.use();
  const { desk, room } = props;
  const act = useAct();
  const shown = room.cards.map(({ sku }) => sku);
  const all = [...new Set([...(desk.runSheet ?? []).map(({ sku }) => sku), ...shown])];
  const toggle = async (sku: string): Promise<void> => {
    const cards = toggled(shown, sku);
    if (cards.length > CARDS_MAX) act.refuse(h.cards.full);
    else await act.run(async () => desk.takeRoom(await pinCards(room.id, cards)), h.cards.said);
  };
  return (
    <section class="panel sheet-panel" aria-labelledby="cards-heading">
      <h2 id="cards-heading">{h.cards.heading}</h2>
      <p class="hint">{h.cards.hint}</p>
      {all.length === 0 && <p class="hint">{h.cards.empty}</p>}
      <ul class="picks">
        {all.map((sku) => {
          const good = desk.good(sku);
          return (
            <li key={sku}>
              <button type="button" class="pick" data-testid="card-pick" aria-pressed={shown.includes(sku)} disabled={act.busy} onClick={() => void toggle(sku)}>
                <Photo src={good.imageUrl} drawing={drawingOf(good.title)} class="pick-photo" />
                <span class="pick-words">
                  <b>
                    <bdi>{good.title}</bdi>
                  </b>
                  <span class="hint">{[apart(good.unit), good.price === undefined ? "" : money(good.price)].filter((part) => part !== "").join(" · ")}</span>
                </span>
                <Pin />
              </button>
            </li>
          );
        })}
      </ul>
      <Said act={act} />
    </section>
  );
}
