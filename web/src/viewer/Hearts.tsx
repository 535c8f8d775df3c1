// Hearts that rise: one's own at once, the room's as their count grows.

import { useEffect, useRef, useState } from "preact/hooks";

import { Heart } from "../parts/signs";
import { prefersStillness } from "../parts/motion";
import type { LiveRoom } from "../room/live";
import { useWords } from "../text";

/** More than this in the air is a blur, and costs a cheap phone its frames. */
const RISING_MAX = 24;
const PER_NEWS_MAX = 5;
const PATHS = 6;

interface Rising {
  readonly id: number;
  readonly path: number;
  readonly late: number;
}

export function Hearts(props: { live: LiveRoom; own: number }) {
  const { hearts } = props.live.view;
  const [rising, setRising] = useState<readonly Rising[]>([]);
  const nextId = useRef(0);
  const counted = useRef(hearts);
  const ownCounted = useRef(props.own);

  const add = (howMany: number): void => {
    if (howMany <= 0 || prefersStillness() || document.hidden) return;
    setRising((known) => {
      const more = Array.from({ length: howMany }, (_, late) => ({ id: nextId.current++, path: nextId.current % PATHS, late }));
      return [...known, ...more].slice(-RISING_MAX);
    });
  };

  useEffect(() => {
    // The first count is history, not news.
    const first = counted.current === 0n;
    const news = Number(hearts - counted.current);
    counted.current = hearts;
    if (!first) add(Math.min(PER_NEWS_MAX, news));
  }, [hearts]);
  useEffect(() => {
    const news = props.own - ownCounted.current;
    ownCounted.current = props.own;
    add(news);
  }, [props.own]);

  return (
    <div class="hearts" aria-hidden="true">
      {rising.map(({ id, path, late }) => (
        <span
          key={id}
          class={`rising path-${path} late-${late}`}
          onAnimationEnd={() => setRising((known) => known.filter((one) => one.id !== id))}
        >
          <Heart />
        </span>
      ))}
    </div>
  );
}

export function HeartButton(props: { live: LiveRoom; onHeart: () => void }) {
  const { t, count } = useWords();
  const { hearts } = props.live.view;
  return (
    <button type="button" class="round heart-button" onClick={props.onHeart} aria-label={`${t.heart.send}, ${t.heart.total(count(hearts))}`}>
      <Heart />
      {hearts > 0n && <span class="heart-count">{brief(hearts)}</span>}
    </button>
  );
}

function brief(hearts: bigint): string {
  return hearts > 9_999n ? `${hearts / 1_000n}k` : String(hearts);
}
