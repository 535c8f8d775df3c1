// To whom a pledge gives: one project or several, each with its charity and its share.

import { Fragment } from "preact";

import type { Pledge, PledgePart } from "../gen/apricot/v1/charity_pb";
import { apart, useWords, type Catalogue } from "../text";

/** The names of its projects, for a sentence. */
export function titlesOf(t: Catalogue, pledge: Pick<Pledge, "parts">): string {
  return t.charity.list(pledge.parts.map(({ title }) => apart(title)));
}

/** The same as elements of their own. */
export function Titles(props: { pledge: Pick<Pledge, "parts"> }) {
  const { t } = useWords();
  return (
    <>
      {props.pledge.parts.map(({ projectId, title }, at) => (
        <Fragment key={projectId}>
          {at > 0 && t.charity.list(["", ""])}
          <bdi>{title}</bdi>
        </Fragment>
      ))}
    </>
  );
}

/** Of those from before the register only a title is known, and there is no page. */
export function pageOf(project: string): string | undefined {
  return /^[a-z0-9-]{1,64}$/.test(project) ? `/p/${project}` : undefined;
}

/** A project as the public log names it, or by its title. Of those from before the register only a title is known, and there is no page. */
export function ProjectName(props: { project: string; title?: string; aside?: boolean; label?: string }) {
  const { project, title = project, label } = props;
  const name = label ?? <bdi>{title}</bdi>;
  const page = pageOf(project);
  if (page === undefined) return label === undefined ? name : null;
  return (
    <a href={page} {...(props.aside === true ? { target: "_blank", rel: "noopener" } : {})}>
      {name}
    </a>
  );
}

/** The page of a pledge's project, when it has one project alone. */
export function soleProjectPage(pledge: Pick<Pledge, "parts"> | undefined): string | undefined {
  const [first, second] = pledge?.parts ?? [];
  return first === undefined || second !== undefined ? undefined : pageOf(first.projectId);
}

/** The parts of a pledge, those of one charity together. */
export function byCharity(pledge: Pick<Pledge, "parts">): readonly [PledgePart, ...PledgePart[]][] {
  const found = new Map<string, [PledgePart, ...PledgePart[]]>();
  for (const part of pledge.parts) {
    // Before the register a charity had only a name.
    const charity = `${part.charityRegistration}/${part.charityName}`;
    const known = found.get(charity);
    if (known === undefined) found.set(charity, [part]);
    else known.push(part);
  }
  return [...found.values()];
}

/** A project's name that leads to its page; `aside` in a tab of its own, for who must not lose this one; `label` in the place of the name. */
export function ProjectLink(props: { part: PledgePart; aside?: boolean; label?: string }) {
  const { part, ...more } = props;
  return <ProjectName project={part.projectId} title={part.title} {...more} />;
}

export function CharityName(props: { part: PledgePart }) {
  const { t } = useWords();
  const { charityName, charityRegistration } = props.part;
  return (
    <>
      <bdi>{charityName}</bdi>
      {charityRegistration !== "" && <span class="charity-number">{t.charity.registration(apart(charityRegistration))}</span>}
    </>
  );
}
