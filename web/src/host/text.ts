import { Section } from "../text";
import { hostCatalogues } from "./catalogues";

export const hostText = new Section(hostCatalogues);
