// What all pages do with scripts: forms without reloading, the connection, and times that go on.

const body = document.body;

// The address of a page may have a user and a password in it, which scripts may not ask with.
function withoutUser(place) {
  const found = new URL(place, location.href);
  found.username = found.password = "";
  return found;
}

export const root = withoutUser(body.dataset.root);
export const address = (place) => new URL(place, root);

document.documentElement.classList.add("scripted");

// Seconds since the epoch, by the daemon's clock.
const skew = body.dataset.now ? Number(body.dataset.now) - Date.now() / 1000 : 0;
export const now = () => Date.now() / 1000 + skew;

const THIN = "\u202f";

// How long, in the words that the daemon uses.
export function span(seconds) {
  const left = Math.max(0, Math.floor(seconds));
  const [minutes, hours, days] = [60, 3600, 86400].map((each) => Math.floor(left / each));
  if (left < 60) return `${left}${THIN}s`;
  if (left < 3600) return `${minutes}${THIN}min`;
  if (left < 86400) return `${hours}${THIN}h ${minutes % 60}${THIN}min`;
  return `${days}${THIN}d ${hours % 24}${THIN}h`;
}

export function size(bytes) {
  if (bytes < 1024) return `${bytes}${THIN}B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes / 1024;
  while (value >= 1000 && units.length > 1) {
    value /= 1024;
    units.shift();
  }
  return `${value.toFixed(value < 100 ? 1 : 0)}${THIN}${units[0]}`;
}

export const percent = (value) => `${value.toFixed(value < 99.95 ? 1 : 0)}${THIN}%`;

export function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

// Move a small graph on by one value; null: the same as before. What is level stays as it is.
export function draw(line, value) {
  const text = line.getAttribute("points");
  let points = text ? text.split(" ").map((point) => point.split(",").map(Number)) : [];
  if (value === null && !points.length) return;
  let top = Number(line.dataset.top);
  if (value > top) {
    points = points.map(([x, y]) => [x, 15 - ((15 - y) * top) / value]);
    line.dataset.top = top = value;
  }
  const y = value === null ? points.at(-1)[1] : Math.round((15 - (14 * value) / top) * 10) / 10;
  points = points.map(([x, height]) => [x - 1, height]);
  while (points.length > 1 && points[1][0] <= 0) points.shift();
  if (points.length) points[0][0] = Math.max(0, points[0][0]);
  if (points.at(-1)?.[1] === y && points.at(-2)?.[1] === y) points.pop();
  points.push([60, y]);
  const moved = points.map((point) => point.join(",")).join(" ");
  if (moved !== text) line.setAttribute("points", moved);
}

// Times that go on: how long it is up, and how long until the next try.
function tick() {
  if (document.hidden) return;
  for (const each of document.querySelectorAll("[data-since]:not([data-since=''])")) {
    write(each, span(now() - each.dataset.since));
  }
  for (const each of document.querySelectorAll("[data-at]:not([data-at=''])")) {
    write(each, `next try in ${span(Math.ceil(each.dataset.at - now()))}`);
  }
}

setInterval(tick, 1000);

// What has come of something; what went well goes by itself, the rest when it was seen.
const place = document.getElementById("message");
let leaving;

export function tell(text, ok = true) {
  place.classList.toggle("failed", !ok);
  place.textContent = text;
  clearTimeout(leaving);
  if (ok) leaving = setTimeout(() => tell(""), 6000);
}

place.addEventListener("click", () => tell(""));
if (place.textContent) tell(place.textContent, !place.classList.contains("failed"));

// What has happened, for those who only hear it.
export const announce = (text) => write(document.getElementById("news"), text);

// A page of ours, as a document; the browser reads it, and runs nothing that is in it.
export function fetchPage(place) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", place);
    request.responseType = "document";
    request.timeout = 20000;
    request.onload = () => {
      if (request.status === 200 && request.response) resolve(request.response);
      else if (request.status === 503) reject(new Error("the daemon stops or starts anew"));
      else reject(new Error(`the daemon answers ${request.status} ${request.statusText}`));
    };
    request.onerror = () => reject(new Error("the daemon cannot be reached"));
    request.ontimeout = () => reject(new Error("the daemon does not answer"));
    request.send();
  });
}

// What one can have the daemon do that ends it; nobody need hear then that it cannot be reached.
const ENDS = ["restart", "shutdown"];

// Have a form carried out, and tell what has come of it.
export async function send(form, button) {
  if (button?.getAttribute("aria-busy") === "true") return;
  const data = new URLSearchParams(new FormData(form));
  if (button?.name) data.append(button.name, button.value);
  button?.setAttribute("aria-busy", "true");
  try {
    // Not form.action, which is a field of that name where there is one.
    const answer = await fetch(withoutUser(form.getAttribute("action")), {
      method: "POST",
      body: data,
      headers: { Accept: "application/json" },
    });
    if (!answer.headers.get("Content-Type")?.startsWith("application/json")) {
      throw new Error(`the daemon answers ${answer.status} ${answer.statusText}`);
    }
    const told = await answer.json();
    if (told.ok && button?.name === "daemon" && ENDS.includes(button.value)) stopping = true;
    tell(told.message, told.ok);
    document.dispatchEvent(new CustomEvent("told", { detail: told }));
  } catch (error) {
    tell(`Nothing is known of what has come of it: ${error.message}.`, false);
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

// Forms without an address lead to another page.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.getAttribute("method") !== "post" || !form.hasAttribute("action")) return;
  event.preventDefault();
  send(event.target, event.submitter);
});

// The connection, which is shown, and mended with more and more patience.
const link = document.getElementById("link");

function showLink(state, text) {
  if (!link || (link.dataset.link === state && link.textContent === text)) return;
  link.dataset.link = state;
  write(link.querySelector(".text"), text);
}

showLink("", "connecting");

const PATIENCE = [1, 2, 4, 8, 15, 30];

// Whether the daemon is stopping everything: then there are events, and no pages.
export let stopping = false;

function hear(event) {
  if (event?.type === "SUPERVISOR_STATE_CHANGE_STOPPING") {
    if (!stopping) tell("The daemon is stopping everything.", false);
    stopping = true;
  } else if (event?.type !== undefined && !event.process) {
    goesOn();
  }
}

function goesOn() {
  if (!stopping) return;
  stopping = false;
  tell("");
}

// A page that is asked for while the daemon ends does not come, and that is as it should be.
export function tellStale(error) {
  if (!stopping) tell(`The page is not up to date: ${error.message}.`, false);
}

// While there are no pages, the word for a state is all that is known of a process.
export function showState(mark, event) {
  if (!mark || !event.state) return;
  mark.dataset.state = event.state;
  write(mark, event.state);
}

// Seconds after which a page that nobody sees takes less: browsers allow few connections to a host.
const OUT_OF_SIGHT = 10;

/*
 * Follow a stream. `place` returns its address, given the id of the last message; it is asked with
 * each try. `handlers` has a function for each kind of message, `message` for those without.
 * `shown`: the page tells how the connection is. `always`: go on when nobody sees the page.
 */
export function follow(place, handlers, { shown = true, always = false } = {}) {
  let source;
  let failures = 0;
  let timer;
  let last = "";

  function open() {
    clearTimeout(timer);
    source?.close();
    source = new EventSource(place(last));
    source.onopen = () => {
      failures = 0;
      if (shown) showLink("live", "live");
    };
    source.onerror = () => retry();
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => {
        if (event.lastEventId) last = event.lastEventId;
        const told = event.data ? JSON.parse(event.data) : null;
        if (name === "message") hear(told);
        else if (name === "missed") goesOn();
        handle(told);
      });
    }
    source.addEventListener("end", () => retry());
  }

  function retry() {
    source.close();
    const patience = PATIENCE[Math.min(failures, PATIENCE.length - 1)];
    failures += 1;
    if (shown && failures > 1) {
      showLink("lost", `connection lost, next try in ${span(patience)}`);
    }
    clearTimeout(timer);
    timer = setTimeout(open, patience * 1000);
  }

  function look() {
    clearTimeout(timer);
    if (document.hidden) {
      timer = setTimeout(() => (always ? open() : source.close()), OUT_OF_SIGHT * 1000);
    } else if (always || source.readyState === EventSource.CLOSED) {
      open();
    }
  }

  document.addEventListener("visibilitychange", look);
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  open();
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
    source.close();
  };
}
