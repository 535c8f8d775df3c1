// What the page of ops needs before anything can be drawn: who it is, and its words. The page that draws it comes beside them (`Ops.tsx`).

import "./ops.css";
import "./parts.css";
import "./tables.css";
import "./gauges.css";
import "./room.css";

import { catalogueOf, readLanguage } from "../language";
import { takeFragment } from "../wire/address";
import { opsCatalogues } from "./catalogues";

// Before anything is drawn or sent: the token leaves the address bar.
const fragment = takeFragment();

const language = readLanguage();
// Whoever draws asks for them again, and sees why they can't be had.
for (const words of [catalogueOf(language), opsCatalogues[language]()]) words.catch(() => undefined);

void import("./Ops").then(({ showOps }) => showOps(fragment));
