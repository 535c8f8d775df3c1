import { useEffect, useState } from "preact/hooks";

import apricot from "../look/apricot.svg";

/** A picture that somebody else chose: only from https or this server, and an apricot when it doesn't come. */
export function Photo(props: { src: string; class?: string }) {
  const [failed, setFailed] = useState(false);
  useEffect(() => setFailed(false), [props.src]);
  const usable = isPicture(props.src) && !failed;
  return (
    <div class={`photo ${props.class ?? ""}`}>
      {usable ? (
        <img src={props.src} alt="" loading="lazy" decoding="async" referrerpolicy="no-referrer" onError={() => setFailed(true)} />
      ) : (
        <img src={apricot} alt="" class="photo-none" />
      )}
    </div>
  );
}

export function isPicture(address: string): boolean {
  return /^https:\/\//.test(address) || /^\/(?![/\\])/.test(address);
}
