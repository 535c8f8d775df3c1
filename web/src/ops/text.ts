import { Section } from "../text";
import { opsCatalogues } from "./catalogues";

export const opsText = new Section(opsCatalogues);
