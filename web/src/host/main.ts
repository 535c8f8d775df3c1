// What the desk needs before anything can be drawn: who it is, and its words. The page that draws it comes beside them (`Host.tsx`).

import "./host.css";

import { catalogueOf, readLanguage } from "../language";
import { takeFragment } from "../wire/address";
import { hostCatalogues } from "./catalogues";

// Before anything is drawn or sent: the token leaves the address bar. The room stays in it, so that a reload finds it.
const fragment = takeFragment();

const language = readLanguage();
// Whoever draws asks for them again, and sees why they can't be had.
for (const words of [catalogueOf(language), hostCatalogues[language]()]) words.catch(() => undefined);

void import("./Host").then(({ showHost }) => showHost(fragment));
