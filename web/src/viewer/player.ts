// Plays an HLS address in a video element: by the browser itself where it can, else by hls.js, which is fetched only then.

import workerPath from "hls.js/dist/hls.worker.js?url";

/** A picture that hasn't moved for this long after it was asked for won't come. */
const START_MAX_MS = 20_000;
/** Behind the newest picture after a break: jump there instead of telling an old story. */
const LATE_MAX_S = 12;
const TYPE = "application/vnd.apple.mpegurl";

export interface PlayerEars {
  /** It moves. */
  readonly onPlaying: () => void;
  /** The browser wants a tap first. */
  readonly onAsk: () => void;
  /** It can't be had now. */
  readonly onFailed: () => void;
}

/** Starts at once; the answer stops it for good. */
export function play(video: HTMLVideoElement, address: string, ears: PlayerEars): () => void {
  const stopping = new AbortController();
  const { signal } = stopping;
  let drop = (): void => undefined;
  let byBrowser = true;

  const stop = (): void => {
    if (signal.aborted) return;
    stopping.abort();
    clearTimeout(tooLate);
    drop();
    video.removeAttribute("src");
    // Without this the browser goes on downloading.
    video.load();
  };
  const fail = (): void => {
    if (signal.aborted) return;
    stop();
    ears.onFailed();
  };
  const start = (): void => {
    video.play().catch((error: unknown) => {
      if (!signal.aborted && error instanceof DOMException && error.name === "NotAllowedError") {
        clearTimeout(tooLate);
        ears.onAsk();
      }
    });
  };
  const withHls = async (): Promise<void> => {
    byBrowser = false;
    const { default: Hls } = await import("hls.js/light");
    if (signal.aborted) return;
    if (!Hls.isSupported()) {
      fail();
      return;
    }
    const hls = new Hls({
      workerPath,
      // A cheap phone on a slow line: start small, keep little, never more pixels than the screen has.
      abrEwmaDefaultEstimate: 400_000,
      capLevelToPlayerSize: true,
      maxBufferLength: 12,
      maxMaxBufferLength: 24,
      backBufferLength: 4,
    });
    drop = () => hls.destroy();
    hls.on(Hls.Events.ERROR, (_, { fatal }) => {
      if (fatal) fail();
    });
    hls.loadSource(address);
    hls.attachMedia(video);
    start();
  };

  const tooLate = window.setTimeout(fail, START_MAX_MS);
  video.addEventListener(
    "playing",
    () => {
      clearTimeout(tooLate);
      ears.onPlaying();
      catchUp(video);
    },
    { signal },
  );
  video.addEventListener("ended", fail, { signal });
  video.addEventListener(
    "error",
    () => {
      // What the browser says it can play and then can't, the player may.
      if (byBrowser) withHls().catch(fail);
      else fail();
    },
    { signal },
  );

  const native = video.canPlayType(TYPE) !== "" || !/\.m3u8($|\?)/i.test(address);
  if (native) {
    video.src = address;
    start();
  } else withHls().catch(fail);
  return stop;
}

function catchUp(video: HTMLVideoElement): void {
  const { seekable } = video;
  if (video.duration !== Number.POSITIVE_INFINITY || seekable.length === 0) return;
  const newest = seekable.end(seekable.length - 1);
  if (newest - video.currentTime > LATE_MAX_S) video.currentTime = newest - LATE_MAX_S / 2;
}

/** How long to leave a picture alone that did not come. `chance` is in 0..1. */
export function pictureWait(attempt: number, chance: number): number {
  const span = Math.min(60_000, 4_000 * 2 ** Math.min(attempt, 5));
  return Math.round(span * (0.75 + chance / 2));
}
