// Whether things may move: as the device says, until a person says otherwise here.

import { useState } from "preact/hooks";

import { device } from "../wire/memory";

type Motion = "still" | "moving";

const REMEMBERED = "apricot.motion";

/** The styles read it off the document. */
export function applyMotion(): void {
  document.documentElement.dataset.motion = motion();
}

export function prefersStillness(): boolean {
  return motion() === "still";
}

export function useMotion(): readonly [still: boolean, toggle: () => void] {
  const [still, setStill] = useState(prefersStillness);
  const toggle = (): void => {
    const next: Motion = still ? "moving" : "still";
    device.keep(REMEMBERED, next);
    applyMotion();
    setStill(next === "still");
  };
  return [still, toggle];
}

function motion(): Motion {
  const said = device.recall(REMEMBERED);
  if (said === "still" || said === "moving") return said;
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "still" : "moving";
}
