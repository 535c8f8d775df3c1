// What a room needs first, before anything can be drawn: its line and its words. What speaks on the line and draws comes beside them (`Viewer.tsx`),
// and is larger; nothing else may be imported here.

import "./viewer.css";

import { catalogueOf, readLanguage } from "../language";
import { roomOfPath, takeFragment } from "../wire/address";
import { openLine } from "../wire/line";

// Before anything is drawn or sent: the token leaves the address bar.
takeFragment();

const room = roomOfPath(location.pathname);
const line = room === undefined || !navigator.onLine ? undefined : openLine(room);
// Whoever draws asks for them again, and sees why they can't be had.
catalogueOf(readLanguage()).catch(() => undefined);

void import("./Viewer").then(({ showViewer }) => showViewer(room, line));
