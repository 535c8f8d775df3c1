// What every page starts with: the language, its words, and the mount.

import { createContext, render, type ComponentChildren, type ComponentType } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";

import { readLanguage, rememberLanguage, type Language } from "../language";
import { WordsContext, useWords, wordsOf, type Section, type Words } from "../text";
import { applyMotion, useMotion } from "./motion";
import { Calm, Waves } from "./signs";

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
      <ChooseLanguage.Provider value={choose}>
        <a class="skip" href="#page" onClick={skip}>
          {words.t.skip}
        </a>
        {props.children}
      </ChooseLanguage.Provider>
    </WordsContext.Provider>
  );
}

/** Past what stands above on every page, for those who go by keys. */
function skip(event: Event): void {
  event.preventDefault();
  const to = document.querySelector<HTMLElement>("[data-skip]") ?? document.querySelector<HTMLElement>("main");
  if (to === null) return;
  to.tabIndex = -1;
  to.focus();
}

async function wordsWith(language: Language, sections: Sections): Promise<Words> {
  const [words] = await Promise.all([wordsOf(language), ...sections.map((section) => section.fetch(language))]);
  return words;
}

/** Draws a page once the words it needs are here. */
export async function show(Whole: ComponentType, ...sections: Sections): Promise<void> {
  applyMotion();
  const first = await wordsWith(readLanguage(), sections);
  // The scripts of a page don't wait for the end of its document.
  if (document.readyState === "loading") await new Promise((parsed) => document.addEventListener("DOMContentLoaded", parsed));
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
    <button type="button" class="round language" lang={other} onClick={() => choose(other)} aria-label={other === "en" ? "En, English" : "中 中文"}>
      {other === "en" ? "En" : "中"}
    </button>
  );
}

/** Stops what sways, rises and climbs, on this device. */
export function MotionSwitch() {
  const { t } = useWords();
  const [still, toggle] = useMotion();
  return (
    <button type="button" class="round motion" data-testid="motion" aria-pressed={still} aria-label={t.still} title={t.still} onClick={toggle}>
      {still ? <Calm /> : <Waves />}
    </button>
  );
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title;
  }, [title]);
}
