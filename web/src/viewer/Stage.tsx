// The picture behind the room: the live video when there is one, a calm poster when not, or not yet.

import { useEffect, useRef, useState } from "preact/hooks";

import { RoomState, type Room } from "../gen/apricot/v1/room_pb";
import { isPicture } from "../parts/Photo";
import { Mute, Play, Sound } from "../parts/signs";
import { useWords } from "../text";
import { Poster } from "./Poster";
import { pictureWait, play } from "./player";

/** The address to play, or nothing. Only a live room plays, and only over https or from here. */
export function playable(room: Room | undefined): string | undefined {
  if (room === undefined || room.state !== RoomState.LIVE) return undefined;
  return isPicture(room.playbackUrl) ? room.playbackUrl : undefined;
}

/** `asks`: it waits for a tap, because the phone saves data or the browser wants one. */
type Picture = { readonly kind: "asks" | "coming" | "plays" } | { readonly kind: "lost"; readonly attempt: number };

const savesData = (): boolean => (navigator as Navigator & { connection?: { saveData?: boolean } }).connection?.saveData === true;

export function Stage(props: { room: Room | undefined; onVideo: (plays: boolean) => void }) {
  const { room, onVideo } = props;
  const address = playable(room);
  const poster = room?.posterUrl ?? "";
  return (
    <div class="stage">
      <Poster />
      {isPicture(poster) && <img class="stage-photo" src={poster} alt="" referrerpolicy="no-referrer" onError={(event) => event.currentTarget.remove()} />}
      {address !== undefined && <Live key={address} address={address} onVideo={onVideo} />}
    </div>
  );
}

function Live(props: { address: string; onVideo: (plays: boolean) => void }) {
  const { t } = useWords();
  const { address, onVideo } = props;
  const video = useRef<HTMLVideoElement>(null);
  const [picture, setPicture] = useState<Picture>({ kind: savesData() ? "asks" : "coming" });
  const [muted, setMuted] = useState(true);
  const [looked, setLooked] = useState(!document.hidden);
  const failures = useRef(0);
  const { kind } = picture;

  // Nobody sees a picture behind another tab: it stops, and the room's socket stays.
  useEffect(() => {
    const seen = (): void => setLooked(!document.hidden);
    document.addEventListener("visibilitychange", seen);
    return () => document.removeEventListener("visibilitychange", seen);
  }, []);
  const wanted = looked && (kind === "coming" || kind === "plays");
  useEffect(() => {
    if (!wanted || video.current === null) return undefined;
    return play(video.current, address, {
      onPlaying: () => {
        failures.current = 0;
        setPicture({ kind: "plays" });
      },
      onAsk: () => setPicture({ kind: "asks" }),
      onFailed: () => setPicture({ kind: "lost", attempt: failures.current++ }),
    });
  }, [wanted, address]);
  useEffect(() => {
    if (picture.kind !== "lost" || !looked) return undefined;
    const timer = setTimeout(() => setPicture({ kind: "coming" }), pictureWait(picture.attempt, Math.random()));
    return () => clearTimeout(timer);
  }, [picture, looked]);
  useEffect(() => {
    if (!looked && kind === "plays") setPicture({ kind: "coming" });
  }, [looked, kind]);
  useEffect(() => onVideo(kind === "plays"), [kind, onVideo]);
  useEffect(() => () => onVideo(false), [onVideo]);

  const tapped = (): void => {
    // Within the tap itself, or a phone that saves its battery won't believe that somebody wanted it.
    video.current?.play().catch(() => undefined);
    setPicture({ kind: "coming" });
  };

  return (
    <>
      <video ref={video} class="stage-video" data-testid="picture" data-picture={kind} playsinline muted={muted} disableRemotePlayback aria-label={t.room.picture} />
      {kind === "plays" && (
        <button type="button" class="round stage-sound" onClick={() => setMuted(!muted)} aria-pressed={!muted} aria-label={muted ? t.room.sound : t.room.silence}>
          {muted ? <Mute /> : <Sound />}
          {muted && <span aria-hidden="true">{t.room.sound}</span>}
        </button>
      )}
      {kind === "asks" && (
        <button type="button" class="stage-play" data-testid="picture-play" onClick={tapped}>
          <Play />
          {t.room.play}
        </button>
      )}
      {kind === "lost" && (
        <p class="stage-lost" role="status">
          {t.room.pictureLost}
          <button type="button" class="plain" onClick={() => setPicture({ kind: "coming" })}>
            {t.tryAgain}
          </button>
        </p>
      )}
    </>
  );
}
