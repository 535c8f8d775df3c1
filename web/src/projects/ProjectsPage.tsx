// Every project of the register, found by words of both languages.

import { useEffect, useState } from "preact/hooks";

import "../look/public.css";
import "./projects.css";

import type { RegisteredProject } from "../gen/apricot/v1/registry_pb";
import { problemText } from "../parts/names";
import { useTitle } from "../parts/page";
import { PublicTop } from "../parts/PublicTop";
import { Skeleton, Still } from "../parts/Still";
import { useWords } from "../text";
import { useSearch } from "./search";
import { projectsText } from "./text";

export function ProjectsPage() {
  const { t, count } = useWords();
  const p = projectsText.use();
  const [words, setWords] = useState(() => new URLSearchParams(location.search).get("q") ?? "");
  const { projects, problem, more } = useSearch(words);
  useTitle(`${p.heading} · ${t.brand}`);
  useEffect(() => {
    // A reload, or a link in a message, finds the same.
    const q = words.trim();
    history.replaceState(null, "", q === "" ? location.pathname : `${location.pathname}?${new URLSearchParams({ q })}`);
  }, [words]);
  return (
    <main class="public projects" data-testid="projects" aria-busy={projects === undefined && problem === undefined}>
      <PublicTop here="projects" />
      <div class="public-head">
        <h1>{p.heading}</h1>
        <p>{p.lead}</p>
      </div>
      <form role="search" class="projects-search" onSubmit={(event) => event.preventDefault()}>
        <label class="field" for="projects-q">
          <span>{p.search}</span>
          <input id="projects-q" type="search" data-testid="search" value={words} maxLength={100} autocomplete="off" enterkeyhint="search" placeholder={p.searchHint} onInput={(event) => setWords(event.currentTarget.value)} />
        </label>
      </form>
      {problem !== undefined && (
        <p class="wrong" role="alert">
          {problemText(t, problem)}
        </p>
      )}
      {projects === undefined && problem === undefined && <Skeleton lines={9} />}
      {projects !== undefined && projects.length > 0 && (
        <p class="hint" role="status">
          {more === undefined ? p.found(count(projects.length)) : p.foundMore(count(projects.length))}
        </p>
      )}
      {projects?.length === 0 && <Still title={words.trim() === "" ? p.empty : p.none} hint={words.trim() === "" ? p.emptyHint : p.noneHint} />}
      <ul class="projects-found">
        {(projects ?? []).map((one) => (
          <li key={one.project?.id}>
            <ProjectCard of={one} />
          </li>
        ))}
      </ul>
      {more !== undefined && (
        <button type="button" class="quiet" onClick={more}>
          {t.more}
        </button>
      )}
    </main>
  );
}

function ProjectCard(props: { of: RegisteredProject }) {
  const p = projectsText.use();
  const { project, charity, reportDueAtMs } = props.of;
  if (project === undefined) return null;
  return (
    <a class="paper project-card" href={`/p/${project.id}`} data-testid="found" data-project={project.id}>
      <span class="project-tags">
        <StateTag of={props.of} />
        {reportDueAtMs > 0n && Number(reportDueAtMs) < Date.now() && <span class="project-tag project-tag-late">{p.late}</span>}
      </span>
      <strong>
        <bdi>{project.title}</bdi>
      </strong>
      {project.summary !== "" && <bdi class="project-summary">{project.summary}</bdi>}
      <span class="hint">
        <bdi>{charity?.name ?? project.charity}</bdi>
        {project.place !== "" && (
          <>
            {" · "}
            <bdi>{project.place}</bdi>
          </>
        )}
      </span>
    </a>
  );
}

export function StateTag(props: { of: RegisteredProject }) {
  const p = projectsText.use();
  const ended = (props.of.project?.endedAtMs ?? 0n) > 0n && Number(props.of.project?.endedAtMs) <= Date.now();
  return (
    <span class="project-tag" data-ended={ended}>
      {ended ? p.state.ended : p.state.runs}
    </span>
  );
}
