// The page of one process: it changes as the process does; below is its log.

import {
  address,
  draw,
  fetchPage,
  follow,
  percent,
  showState,
  size,
  stopping,
  tellStale,
  write,
} from "./common.js";
import "./log.js";

const name = document.body.dataset.process;
const icon = document.getElementById("icon");
const here = address(`processes/${encodeURIComponent(name)}?part=head`);

let fetching = false;
let again = false;

async function load() {
  again = fetching;
  if (fetching || stopping) return;
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
    tellStale(error);
  }
  fetching = false;
  if (again) load();
}

function showFigures(told) {
  const figure = told.processes[name];
  const taken = document.querySelector("#process .taken");
  if (!taken) {
    if (figure) load();
    return;
  }
  if (figure?.cpu != null) write(taken.querySelector(".cpu"), percent(figure.cpu));
  if (figure) write(taken.querySelector(".memory"), size(figure.memory));
  draw(taken.querySelector("polyline"), figure === undefined ? null : (figure?.cpu ?? 0));
}

function events(last) {
  const since = last || document.body.dataset.event;
  const types = "PROCESS_STATE,PROCESS_GROUP,SUPERVISOR_STATE_CHANGE";
  const about = `process=${encodeURIComponent(name)}&type=${types}`;
  return address(`api/v1/events?figures=1&${about}&last_event_id=${since}`);
}

follow(events, {
  message(event) {
    if (stopping) showState(document.querySelector("#process [data-state]"), event);
    else load();
  },
  missed: load,
  figures: showFigures,
});
