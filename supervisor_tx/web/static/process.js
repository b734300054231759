// The page of one process: it changes as the process does; below is its log.

import { address, fetchPage, follow, tell } from "./common.js";
import "./log.js";

const name = document.body.dataset.process;
const icon = document.getElementById("icon");
const here = address(`processes/${encodeURIComponent(name)}?part=head`);

let fetching = false;
let again = false;

async function load() {
  again = fetching;
  if (fetching) return;
  fetching = true;
  try {
    const page = await fetchPage(here);
    const [mine, theirs] = [document.getElementById("process"), page.getElementById("process")];
    const chosen = mine.querySelector("select")?.value;
    const focus = document.activeElement;
    document.title = page.title;
    icon.setAttribute("href", page.getElementById("icon").getAttribute("href"));
    mine.replaceWith(document.adoptNode(theirs));
    if (chosen && theirs.querySelector("select")) theirs.querySelector("select").value = chosen;
    if (mine.contains(focus)) theirs.querySelector(`[name="${focus.name}"]`)?.focus();
  } catch (error) {
    tell(`The page is not up to date: ${error.message}.`, false);
  }
  fetching = false;
  if (again) load();
}

follow(
  (last) => address(
    `api/v1/events?process=${encodeURIComponent(name)}` +
      `&type=PROCESS_STATE,PROCESS_GROUP&last_event_id=${last || document.body.dataset.event}`,
  ),
  { message: load, missed: load },
);
