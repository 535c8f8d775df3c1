// Dragging a line of a list by its grip, with one finger or a mouse; others make room while it passes.

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { landing } from "./order";

export interface Drag {
  /** The line that is held. */
  readonly from: number | undefined;
  readonly start: (event: PointerEvent, at: number) => void;
  /** A CSS transform for the line at `at`, empty when it stands still. */
  readonly shiftOf: (at: number) => string;
}

interface Held {
  readonly from: number;
  readonly to: number;
  readonly dy: number;
  readonly boxes: readonly { readonly top: number; readonly height: number }[];
}

/** This near the edge of what scrolls, it scrolls. */
const EDGE_PX = 72;
const SCROLL_PX = 12;

export function useDrag(list: RefObject<HTMLElement | null>, onDrop: (from: number, to: number) => void): Drag {
  const [held, setHeld] = useState<Held>();
  const letGo = useRef<() => void>(() => undefined);
  const drop = useRef(onDrop);
  drop.current = onDrop;
  useEffect(() => () => letGo.current(), []);

  const start = (event: PointerEvent, from: number): void => {
    const lines = list.current;
    if (lines === null || event.button !== 0) return;
    const grip = event.currentTarget as HTMLElement;
    grip.setPointerCapture(event.pointerId);
    const scrolls = scroller(lines);
    const startY = event.clientY + scrolls.scrollTop;
    const boxes = [...lines.children].map((line) => {
      const { top, height } = line.getBoundingClientRect();
      return { top: top + scrolls.scrollTop, height };
    });
    let now: Held = { from, to: from, dy: 0, boxes };
    setHeld(now);
    const move = (moved: PointerEvent): void => {
      if (moved.clientY < EDGE_PX) scrolls.scrollTop -= SCROLL_PX;
      else if (moved.clientY > innerHeight - EDGE_PX) scrolls.scrollTop += SCROLL_PX;
      const dy = moved.clientY + scrolls.scrollTop - startY;
      now = { from, to: landing(boxes, from, dy), dy, boxes };
      setHeld(now);
    };
    const stop = (): void => {
      grip.removeEventListener("pointermove", move);
      grip.removeEventListener("pointerup", up);
      grip.removeEventListener("pointercancel", stop);
      letGo.current = () => undefined;
      setHeld(undefined);
    };
    const up = (): void => {
      stop();
      if (now.to !== from) drop.current(from, now.to);
    };
    grip.addEventListener("pointermove", move);
    grip.addEventListener("pointerup", up);
    grip.addEventListener("pointercancel", stop);
    letGo.current = stop;
  };

  const shiftOf = (at: number): string => {
    if (held === undefined) return "";
    if (at === held.from) return `translateY(${held.dy}px)`;
    const next = held.boxes[held.from + 1] ?? held.boxes[held.from];
    const first = held.boxes[held.from];
    if (first === undefined || next === undefined) return "";
    // The room a line takes: its height and the gap behind it.
    const gap = next === first ? 0 : next.top - first.top - first.height;
    const step = first.height + gap;
    if (held.to > held.from && at > held.from && at <= held.to) return `translateY(${-step}px)`;
    if (held.to < held.from && at < held.from && at >= held.to) return `translateY(${step}px)`;
    return "";
  };

  return { from: held?.from, start, shiftOf };
}

function scroller(element: HTMLElement): Element {
  for (let parent = element.parentElement; parent !== null; parent = parent.parentElement) {
    const { overflowY } = getComputedStyle(parent);
    if ((overflowY === "auto" || overflowY === "scroll") && parent.scrollHeight > parent.clientHeight) return parent;
  }
  return document.scrollingElement ?? document.documentElement;
}
