// The picture behind the room: the live video when there is one, the orchard when not.

import { useEffect, useRef, useState } from "preact/hooks";

import { RoomState, type Room } from "../gen/apricot/v1/room_pb";
import { isPicture } from "../parts/Photo";
import { useWords } from "../text";
import { Poster } from "./Poster";

/** The address to play, or nothing. Only a live room plays, and only over https. */
export function playable(room: Room | undefined): string | undefined {
  if (room === undefined || room.state !== RoomState.LIVE) return undefined;
  return /^https:\/\//.test(room.playbackUrl) || /^\/(?![/\\])/.test(room.playbackUrl) ? room.playbackUrl : undefined;
}

export function Stage(props: { room: Room | undefined; onVideo: (plays: boolean) => void }) {
  const { t } = useWords();
  const video = useRef<HTMLVideoElement>(null);
  const [failed, setFailed] = useState("");
  const [muted, setMuted] = useState(true);
  const address = playable(props.room);
  const plays = address !== undefined && failed !== address;
  const { onVideo } = props;
  useEffect(() => onVideo(plays), [plays, onVideo]);
  if (!plays) {
    const poster = props.room?.posterUrl ?? "";
    return (
      <div class="stage">
        <Poster />
        {isPicture(poster) && <img class="stage-photo" src={poster} alt="" referrerpolicy="no-referrer" onError={(event) => event.currentTarget.remove()} />}
      </div>
    );
  }
  return (
    <div class="stage">
      <video ref={video} class="stage-video" src={address} autoplay playsinline muted={muted} onError={() => setFailed(address)} />
      <button type="button" class="round stage-sound" onClick={() => setMuted(!muted)} aria-pressed={!muted}>
        {muted ? t.room.sound : t.room.silence}
      </button>
    </div>
  );
}
