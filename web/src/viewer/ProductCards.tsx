import type { ProductCard } from "../gen/apricot/v1/room_pb";
import { drawingOf } from "../parts/drawings";
import { Photo } from "../parts/Photo";
import { apart, useWords } from "../text";

/** Up to three things that the host put in front. They are looked at here and bought in a sale. */
export function ProductCards(props: { cards: readonly ProductCard[]; onSale: readonly string[] }) {
  const { t, money } = useWords();
  // What is on sale has a card of its own already.
  const cards = props.cards.filter(({ sku }) => !props.onSale.includes(sku));
  if (cards.length === 0) return null;
  return (
    <ul class="cards" aria-label={t.room.pinnedProducts}>
      {cards.map((card) => (
        <li key={card.sku} class="card">
          <Photo src={card.imageUrl} drawing={drawingOf(card.title)} class="card-photo" />
          <span class="card-words">
            <strong>
              <bdi>{card.title}</bdi>
            </strong>
            <span class="hint">{[card.price === undefined ? "" : money(card.price), apart(card.unit)].filter((part) => part !== "").join(" / ")}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}
