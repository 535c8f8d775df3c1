// The projects' titles for people: a receipt names them by their ids, as the log does.

import { useEffect, useRef, useState } from "preact/hooks";

import { ProjectPageSchema } from "../gen/apricot/v1/registry_pb";
import { pageOf } from "../parts/Gifts";
import { Refused } from "../wire/refused";
import { read } from "../wire/rest";

export type Titles = ReadonlyMap<string, string>;

/** Those that are known by now. One that can't be had stays an id. */
export function useTitles(projects: readonly string[]): Titles {
  const [titles, setTitles] = useState<Titles>(new Map());
  const asked = useRef(new Set<string>());
  const all = projects.join(" ");
  useEffect(() => {
    const learn = async (project: string): Promise<void> => {
      try {
        const title = (await read("/v1/projects/{project}", { project }, ProjectPageSchema)).project?.project?.title ?? "";
        if (title !== "") setTitles((known) => new Map(known).set(project, title));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
      }
    };
    for (const project of projects) {
      if (asked.current.has(project) || pageOf(project) === undefined) continue;
      asked.current.add(project);
      void learn(project);
    }
  }, [all]);
  return titles;
}
