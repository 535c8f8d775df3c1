// What every page starts with: the language, its words, and the mount.

import { createContext, render, type ComponentChildren, type ComponentType } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";

import { WordsContext, readLanguage, rememberLanguage, useWords, wordsOf, type Language, type Section, type Words } from "../text";

const ChooseLanguage = createContext<(language: Language) => void>(() => undefined);

type Sections = readonly Section<unknown>[];

function Page(props: { first: Words; sections: Sections; children: ComponentChildren }) {
  const [words, setWords] = useState(props.first);
  useEffect(() => {
    document.documentElement.lang = words.language;
  }, [words]);
  const choose = (language: Language): void => {
    rememberLanguage(language);
    // The words on the page stay until the others have come.
    wordsWith(language, props.sections).then(setWords, () => undefined);
  };
  return (
    <WordsContext.Provider value={words}>
      <ChooseLanguage.Provider value={choose}>{props.children}</ChooseLanguage.Provider>
    </WordsContext.Provider>
  );
}

async function wordsWith(language: Language, sections: Sections): Promise<Words> {
  const [words] = await Promise.all([wordsOf(language), ...sections.map((section) => section.fetch(language))]);
  return words;
}

/** Draws a page once the words it needs are here. */
export async function show(Whole: ComponentType, ...sections: Sections): Promise<void> {
  const first = await wordsWith(readLanguage(), sections);
  const mount = document.getElementById("page");
  if (mount === null) throw new Error("the page has no #page to draw into");
  mount.replaceChildren();
  render(
    <Page first={first} sections={sections}>
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
