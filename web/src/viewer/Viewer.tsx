// The page of whoever watches: a room, a pledge, or the list of rooms, after what the address names.

import { useState } from "preact/hooks";

import { useLater } from "../parts/Later";
import { show } from "../parts/page";
import { Still } from "../parts/Still";
import { LiveRoom } from "../room/live";
import { useWords } from "../text";
import { pledgeOfPath, projectOfPath, takeFragment } from "../wire/address";
import { answerGuests } from "../wire/identity";
import { RoomPage } from "./RoomPage";

const loadPledgePage = async () => (await import("./PledgePage")).PledgePage;
const loadProjectPage = async () => (await import("../projects/ProjectPage")).ProjectPage;
const loadProjectsPage = async () => (await import("../projects/ProjectsPage")).ProjectsPage;
const loadRoomList = async () => (await import("./RoomList")).RoomList;

const PROJECTS = /^\/(p\/|projects\/?$)/;

/** A room that comes within this is drawn once, as it is; for a slower one the page draws its outlines first. */
const OUTLINES_AFTER_MS = 600;

/** `room`: named by the address; `line`: on its way to it already. */
export async function showViewer(room: string | undefined, line: WebSocket | undefined): Promise<void> {
  const live = room === undefined ? undefined : new LiveRoom(room, line);
  live?.start();
  // A link opened again with another token in the same tab.
  addEventListener("hashchange", () => {
    if (location.hash.includes("token=")) {
      takeFragment();
      location.reload();
    }
  });
  await live?.firstNews(OUTLINES_AFTER_MS);
  // Words that a room does without.
  const sections = PROJECTS.test(location.pathname) ? [(await import("../projects/text")).projectsText] : [];
  await show(function Viewer() {
    const [pledge] = useState(() => pledgeOfPath(location.pathname));
    if (live !== undefined) return <RoomPage live={live} />;
    if (sections.length > 0) return <ProjectsDoor projectId={/^\/p\//.test(location.pathname) ? (projectOfPath(location.pathname) ?? "-") : undefined} />;
    return pledge === undefined ? <FrontDoor /> : <PledgeDoor pledgeId={pledge} />;
  }, ...sections);
  answerGuests();
}

function PledgeDoor(props: { pledgeId: string }) {
  const { t } = useWords();
  const page = useLater(loadPledgePage);
  if (page.kind === "loading") return null;
  if (page.kind === "failed") return <Still whole title={t.pledge.failed} hint={t.pledge.failedHint} />;
  return <page.part {...props} />;
}

/** Of no id: the search. */
function ProjectsDoor(props: { projectId: string | undefined }) {
  return props.projectId === undefined ? <SearchDoor /> : <ProjectDoor projectId={props.projectId} />;
}

function ProjectDoor(props: { projectId: string }) {
  const { t } = useWords();
  const page = useLater(loadProjectPage);
  if (page.kind === "loading") return null;
  if (page.kind === "failed") return <Still whole title={t.pledge.failed} hint={t.pledge.failedHint} />;
  return <page.part {...props} />;
}

function SearchDoor() {
  const { t } = useWords();
  const page = useLater(loadProjectsPage);
  if (page.kind === "loading") return null;
  if (page.kind === "failed") return <Still whole title={t.pledge.failed} hint={t.pledge.failedHint} />;
  return <page.part />;
}

function FrontDoor() {
  const { t } = useWords();
  const list = useLater(loadRoomList);
  if (list.kind === "loading") return null;
  if (list.kind === "failed") return <Still whole title={t.rooms.failed} hint={t.rooms.failedHint} />;
  return <list.part />;
}
