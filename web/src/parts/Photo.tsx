import { useEffect, useState } from "preact/hooks";

/** A picture that somebody else chose: only from https or this server, and a drawing when there is none or it doesn't come. */
export function Photo(props: { src: string; drawing: string; class?: string }) {
  const [failed, setFailed] = useState(false);
  useEffect(() => setFailed(false), [props.src]);
  const usable = isPicture(props.src) && !failed;
  return (
    <div class={`photo ${props.class ?? ""}`}>
      {usable ? (
        <img src={props.src} alt="" loading="lazy" decoding="async" referrerpolicy="no-referrer" onError={() => setFailed(true)} />
      ) : (
        <img src={props.drawing} alt="" class="photo-drawn" />
      )}
    </div>
  );
}

export function isPicture(address: string): boolean {
  return /^https:\/\//.test(address) || /^\/(?![/\\])/.test(address);
}
