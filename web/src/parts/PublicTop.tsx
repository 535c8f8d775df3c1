// Above the pages that are for everyone: whose they are, and the way from one to the other.

import apricot from "../look/apricot.svg";
import { useWords } from "../text";
import { LanguageSwitch } from "./page";

const PAGES = ["projects", "receipts", "verify", "board"] as const;

export type PublicPage = (typeof PAGES)[number];

export function PublicTop(props: { here: PublicPage | undefined }) {
  const { t } = useWords();
  return (
    <header class="public-top">
      <a class="public-brand" href="/" aria-label={`${t.brand} · ${t.pages.rooms}`}>
        <img src={apricot} alt="" width="32" height="32" />
        <span>{t.brand}</span>
      </a>
      <nav aria-label={t.pages.label}>
        {PAGES.map((page) => (
          <a key={page} href={`/${page}`} aria-current={page === props.here ? "page" : undefined}>
            {t.pages[page]}
          </a>
        ))}
      </nav>
      <LanguageSwitch />
    </header>
  );
}
