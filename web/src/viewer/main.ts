// What a room needs first, before anything can be drawn: its line and its words. The page that draws it comes beside them (`Viewer.tsx`).

import "./viewer.css";

import { catalogueOf, readLanguage } from "../language";
import { LiveRoom } from "../room/live";
import { roomOfPath, takeFragment } from "../wire/address";
import { answerGuests } from "../wire/identity";

// Before anything is drawn or sent: the token leaves the address bar.
takeFragment();
answerGuests();
// A link opened again with another token in the same tab.
addEventListener("hashchange", () => {
  if (location.hash.includes("token=")) {
    takeFragment();
    location.reload();
  }
});

const room = roomOfPath(location.pathname);
const live = room === undefined ? undefined : new LiveRoom(room);
live?.start();
// Whoever draws asks for them again, and sees why they can't be had.
catalogueOf(readLanguage()).catch(() => undefined);

void import("./Viewer").then(({ showViewer }) => showViewer(live));
