// What every page starts with: the language, its words, and the mount.

import { render, type ComponentChildren, type ComponentType } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";

import { WordsContext, readLanguage, rememberLanguage, useWords, wordsOf, type Language } from "../text";
import { createContext } from "preact";
import { useContext } from "preact/hooks";

const ChooseLanguage = createContext<(language: Language) => void>(() => undefined);

function Page(props: { children: ComponentChildren }) {
  const [language, setLanguage] = useState<Language>(readLanguage);
  const words = useMemo(() => wordsOf(language), [language]);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const choose = (next: Language): void => {
    rememberLanguage(next);
    setLanguage(next);
  };
  return (
    <WordsContext.Provider value={words}>
      <ChooseLanguage.Provider value={choose}>{props.children}</ChooseLanguage.Provider>
    </WordsContext.Provider>
  );
}

export function show(Whole: ComponentType): void {
  const mount = document.getElementById("page");
  if (mount === null) throw new Error("the page has no #page to draw into");
  render(
    <Page>
      <Whole />
    </Page>,
    mount,
  );
}

/** Offers the other language in its own words. */
export function LanguageSwitch() {
  const { language } = useWords();
  const choose = useContext(ChooseLanguage);
  const other: Language = language === "en" ? "zh-CN" : "en";
  return (
    <button type="button" class="round language" lang={other} onClick={() => choose(other)} aria-label={other === "en" ? "English" : "中文"}>
      {other === "en" ? "En" : "中"}
    </button>
  );
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title;
  }, [title]);
}
