import type { ProductCard } from "../gen/apricot/v1/room_pb";
import { Photo } from "../parts/Photo";
import { useWords } from "../text";

/** Up to three things that the host put in front. They are looked at here and bought in a sale. */
export function ProductCards(props: { cards: readonly ProductCard[] }) {
  const { t, money } = useWords();
  if (props.cards.length === 0) return null;
  return (
    <ul class="cards" aria-label={t.room.pinnedProducts}>
      {props.cards.map((card) => (
        <li key={card.sku} class="card">
          <Photo src={card.imageUrl} class="card-photo" />
          <span class="card-words">
            <strong>{card.title}</strong>
            <span class="hint">{[card.price === undefined ? "" : money(card.price), card.unit].filter((part) => part !== "").join(" / ")}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}
