// The page of the configuration: it changes as the files on disk and what is in force do.

import { address, fetchPage, follow, stopping, tellStale } from "./common.js";

async function load() {
  if (stopping) return;
  try {
    const page = await fetchPage(location.href);
    const [mine, theirs] = [document, page].map((each) => each.getElementById("comparison"));
    if (mine.textContent !== theirs.textContent) mine.replaceWith(document.adoptNode(theirs));
  } catch (error) {
    tellStale(error);
  }
}

const TYPES = "PROCESS_GROUP,SUPERVISOR_STATE_CHANGE";

follow(
  (last) =>
    address(
      `api/v1/events?config=1&type=${TYPES}&last_event_id=${last || document.body.dataset.event}`,
    ),
  { message: load, missed: load, config: load },
);
document.addEventListener("told", load);
