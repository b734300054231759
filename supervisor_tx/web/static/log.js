// A log: what is appended arrives by itself, older lines are fetched when they are asked for.

import { fetchPage, follow, tell } from "./common.js";
import { append, PLAIN } from "./sgr.js";

const log = document.getElementById("log");
const button = document.getElementById("follow");

// Bytes of text that stay on the page while it is followed.
const MOST = 512 * 1024;

if (log) begin();

function begin() {
  const last = log.lastElementChild;
  let style = PLAIN;
  let following = false;
  let stop = null;
  let waiting = [];
  let held = 0;
  let offset = Number(last.dataset.end);

  // What arrives is written once for each frame, however much it is; where there are no frames, as
  // nobody looks, what would not stay is not kept either.
  function take(text) {
    if (!waiting.length) requestAnimationFrame(write);
    waiting.push(text);
    held += text.length;
    while (held > MOST && waiting.length > 1) held -= waiting.shift().length;
  }

  function write() {
    if (!waiting.length) return;
    const bottom = following;
    const text = waiting.join("");
    waiting = [];
    held = 0;
    let piece = log.lastElementChild;
    if (!piece?.matches(".piece") || piece.textContent.length > 16384) {
      piece = document.createElement("div");
      piece.className = "piece";
      log.append(piece);
    }
    style = append(piece, text, style);
    trim();
    if (bottom) log.scrollTop = log.scrollHeight;
  }

  function trim() {
    let held = [...log.children].reduce((sum, each) => sum + each.textContent.length, 0);
    while (held > MOST && log.children.length > 1) {
      held -= log.firstElementChild.textContent.length;
      log.firstElementChild.remove();
    }
  }

  function turn(text) {
    write();
    const mark = document.createElement("span");
    mark.className = "turn";
    mark.textContent = text;
    log.append(mark);
    style = PLAIN;
  }

  function set(on) {
    following = on;
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? "Following" : "Follow";
    if (on && !stop) {
      stop = follow(
        (id) => `${log.dataset.stream}?${id ? `last_event_id=${id}` : `offset=${offset}`}`,
        {
          message(piece) {
            offset = piece.end;
            take(piece.text);
          },
          truncated: () => turn("The log was cleared."),
          rotated: () => turn("A new file begins."),
          missed: () => turn("Some lines are missing here."),
        },
        { shown: !document.body.dataset.event },
      );
    }
    if (on) log.scrollTop = log.scrollHeight;
  }

  button.addEventListener("click", () => {
    // On an older page there is a gap to the end: the last page is loaded.
    if (!following && !stop && offset < Number(log.dataset.size)) location.search = latest();
    else set(!following);
  });

  function latest() {
    const query = new URLSearchParams(location.search);
    for (const name of ["from", "to", "before", "after", "find", "message"]) query.delete(name);
    return query.toString();
  }

  // To read on is to pause; to come back to the end is to follow again.
  log.addEventListener("scroll", () => {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 8;
    if (atEnd !== following && stop) set(atEnd);
  });

  // Older lines are put before those that are there, and shown, with the first of those below them.
  document.addEventListener("click", (event) => {
    const older = event.target.closest(".place .older");
    if (!older || log.dataset.wanted) return;
    event.preventDefault();
    if (older.getAttribute("aria-busy") !== "true") load(older);
  });

  async function load(older) {
    older.setAttribute("aria-busy", "true");
    try {
      const page = await fetchPage(older.href);
      const pieces = page.querySelectorAll("#log > .piece");
      const height = log.scrollHeight;
      log.prepend(...[...pieces].map((each) => document.adoptNode(each)));
      log.scrollTop = log.scrollHeight - height - log.clientHeight * 0.9;
      const place = page.querySelector(".place") ?? page.createElement("span");
      older.closest(".place").replaceWith(document.adoptNode(place));
    } catch (error) {
      tell(`Older lines could not be fetched: ${error.message}.`, false);
    } finally {
      older.removeAttribute("aria-busy");
    }
  }

  const found = log.querySelector("mark");
  if (found) found.scrollIntoView({ block: "center" });
  else if (offset >= Number(log.dataset.size)) set(true);
}
