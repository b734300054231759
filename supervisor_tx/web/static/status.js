// The page of all processes: rows that change as processes do, a filter, keys.

import {
  address,
  announce,
  draw,
  fetchPage,
  follow,
  percent,
  send,
  showState,
  size,
  stopping,
  tell,
  tellStale,
  write,
} from "./common.js";

const form = document.getElementById("actions");
const filter = document.getElementById("filter");
const icon = document.getElementById("icon");
const TYPES = "PROCESS_STATE,PROCESS_GROUP,SUPERVISOR_STATE_CHANGE";

// More rows than this are fetched with the whole page.
const MANY = 100;

const rows = () => [...document.querySelectorAll("#processes .process")];
const nameOf = (row) => row.dataset.process;

// What the user has done to the page, to be kept when parts of it are replaced.

function remember() {
  const focused = document.activeElement;
  return {
    picked: new Set([...form.querySelectorAll("[name=process]:checked")].map((box) => box.value)),
    folded: new Set(
      [...document.querySelectorAll(".fold:not(:checked)")].map((box) => groupOf(box)),
    ),
    focus: focused?.closest("#processes") ? keyOf(focused) : null,
    current: current && nameOf(current),
  };
}

function restore(kept) {
  for (const box of form.querySelectorAll("[name=process]")) box.checked = kept.picked.has(box.value);
  for (const box of document.querySelectorAll(".fold")) box.checked = !kept.folded.has(groupOf(box));
  current = kept.current && rows().find((row) => nameOf(row) === kept.current);
  current?.classList.add("current");
  if (kept.focus && !document.activeElement.closest("#processes")) {
    const same = [...document.querySelectorAll("#processes :is(a, button, input)")];
    same.find((each) => keyOf(each) === kept.focus)?.focus({ preventScroll: true });
  }
  count();
}

const groupOf = (element) => element.closest("[data-group]").dataset.group;
const keyOf = (element) =>
  [element.tagName, element.name, element.value, element.getAttribute("href")].join(" ");

// News

let changed = new Set();
let everything = false;
let fetching = false;
let again = false;
let failures = 0;

function ask(name) {
  if (name) changed.add(name);
  else everything = true;
  askSome();
}

function askSome() {
  if (fetching) {
    again = true;
  } else {
    fetching = true;
    setTimeout(load, 20);
  }
}

async function load() {
  if (stopping) {
    fetching = false;
    return;
  }
  const names = changed;
  const whole = everything || names.size > MANY || !form;
  changed = new Set();
  everything = again = false;
  try {
    if (whole) {
      replaceAll(await fetchPage(location.href));
    } else {
      const query = [...names].map((name) => `process=${encodeURIComponent(name)}`).join("&");
      const order = new URL(location.href).searchParams.get("sort") ?? "name";
      replaceSome(await fetchPage(address(`rows?sort=${order}&${query}`)), names);
    }
    if (failures > 1) tell("");
    failures = 0;
  } catch (error) {
    failures += 1;
    everything = true;
    if (failures > 1) tellStale(error);
  }
  fetching = failures > 0 || again;
  if (fetching) setTimeout(load, failures ? Math.min(30, 2 ** failures) * 1000 : 20);
}

function replaceAll(page) {
  const theirs = page.getElementById("actions");
  if (!form || !theirs) {
    if (form || theirs) location.reload();
    else replaceHead(page);
    return;
  }
  const kept = remember();
  replaceHead(page);
  for (const id of ["processes", "nothing"]) {
    document.getElementById(id).replaceWith(document.adoptNode(page.getElementById(id)));
  }
  restore(kept);
  applyFilter();
}

function replaceHead(page) {
  document.title = page.title;
  for (const id of ["daemon", "counts"]) {
    const [mine, theirs] = [document.getElementById(id), page.getElementById(id)];
    if (theirs && mine.outerHTML !== theirs.outerHTML) mine.replaceWith(document.adoptNode(theirs));
  }
  const mine = page.getElementById("icon");
  if (mine && mine.getAttribute("href") !== icon.getAttribute("href")) {
    icon.setAttribute("href", mine.getAttribute("href"));
  }
}

function replaceSome(page, names) {
  const kept = remember();
  const old = new Map(
    rows()
      .filter((row) => names.has(nameOf(row)) && !row.closest("#attention"))
      .map((row) => [nameOf(row), row]),
  );
  replaceHead(page);
  replaceAttention(page.getElementById("attention"));
  for (const part of page.querySelectorAll("#processes > [data-group]")) {
    const group = document.querySelector(
      `#processes > [data-group="${CSS.escape(part.dataset.group)}"]`,
    );
    if (!group) {
      ask();
      return;
    }
    write(group.querySelector(".told"), part.querySelector(".told")?.textContent ?? "");
    for (const row of part.querySelectorAll(".process")) {
      const mine = old.get(nameOf(row));
      if (mine) update(mine, row);
      else insert(group, document.adoptNode(row));
      old.delete(nameOf(row));
    }
  }
  for (const row of old.values()) row.remove();
  restore(kept);
  applyFilter();
}

// What is wrong, in its order; rows stay where they are if they can, so that no click is lost.
function replaceAttention(theirs) {
  const body = document.getElementById("attention");
  announceNews(theirs);
  const old = new Map([...body.children].map((row) => [nameOf(row), row]));
  let last = null;
  for (const row of [...theirs.children]) {
    const mine = old.get(nameOf(row));
    if (mine) update(mine, row);
    const shown = mine ?? document.adoptNode(row);
    const next = last ? last.nextElementSibling : body.firstElementChild;
    if (next !== shown) body.insertBefore(shown, next);
    old.delete(nameOf(row));
    last = shown;
  }
  for (const row of old.values()) row.remove();
}

// Rows of a group stand in the order of their names.
function insert(group, row) {
  const place = group.dataset.group
    ? [...group.querySelectorAll(".process")].find((each) => nameOf(each) > nameOf(row))
    : null;
  group.insertBefore(row, place ?? null);
}

// Bring a row up to date by replacing only those of its cells that differ.
function update(mine, theirs) {
  const cells = [...theirs.children];
  if (cells.length !== mine.children.length) {
    mine.replaceChildren(...cells.map((cell) => document.adoptNode(cell)));
    return;
  }
  for (const [index, cell] of cells.entries()) {
    const before = mine.children[index];
    if (before.outerHTML !== cell.outerHTML) before.replaceWith(document.adoptNode(cell));
  }
}

// Who does not see the page is told what has gone wrong, once.
const stateOf = (row) => row.querySelector("[data-state]").dataset.state;
const inTrouble = (attention) =>
  new Map(
    [...attention.querySelectorAll(".process")]
      .filter((row) => stateOf(row) !== "STARTING")
      .map((row) => [nameOf(row), stateOf(row)]),
  );
let known = new Map();

function announceNews(attention) {
  const now = inTrouble(attention);
  const news = [...now].filter(([name, state]) => known.get(name) !== state);
  if (news.length) announce(news.map(([name, state]) => `${name} is ${state}.`).join(" "));
  // One that is tried again and fails again is no news.
  known = new Map([...known].filter(([name]) => attention.querySelector(`[data-process="${CSS.escape(name)}"]`)).concat([...now]));
}

known = inTrouble(document);

// Out of sight there is the title, and nothing else to be kept right.
function events(last) {
  const along = document.hidden ? "" : "figures=1&config=1&";
  const since = last || document.body.dataset.event;
  return address(`api/v1/events?${along}type=${TYPES}&last_event_id=${since}`);
}

follow(
  events,
  {
    message(event) {
      const name = event.group === event.process ? event.process : `${event.group}:${event.process}`;
      const row = rows().find((each) => nameOf(each) === name);
      if (stopping) showState(row?.querySelector("[data-state]"), event);
      else ask(event.process ? name : null);
    },
    missed: () => ask(),
    figures: showFigures,
    config: () => askSome(),
  },
  { always: true },
);
document.addEventListener("told", () => !form && ask());

function showFigures(told) {
  for (const row of rows()) {
    const figure = told.processes[nameOf(row)];
    if (figure !== undefined || told.complete) {
      write(row.querySelector(".cpu"), figure?.cpu == null ? "" : percent(figure.cpu));
      write(row.querySelector(".memory"), figure ? size(figure.memory) : "");
    }
    const line = row.querySelector(".spark polyline");
    if (line) draw(line, figure === undefined ? null : (figure?.cpu ?? 0));
  }
}

// The filter

function applyFilter() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows()) {
    const name = nameOf(row).toLowerCase();
    const state = stateOf(row).toLowerCase();
    const fits = words.every((word) => name.includes(word) || state.startsWith(word));
    if (row.hidden === fits) row.hidden = !fits;
    shown += fits;
  }
  for (const head of document.querySelectorAll("#processes :is(.head, .heading)")) {
    const group = head.parentElement;
    const empty = words.length > 0 && !group.querySelector(".process:not([hidden])");
    if (head.hidden !== empty) head.hidden = empty;
  }
  const nothing = document.getElementById("nothing");
  if (nothing) nothing.hidden = shown > 0;
}

filter?.addEventListener("input", () => {
  const here = new URL(location.href);
  const before = here.searchParams.get("filter");
  here.searchParams.delete("message");
  if (filter.value) here.searchParams.set("filter", filter.value);
  else here.searchParams.delete("filter");
  // The daemon has left out the rows that did not fit.
  const partial = document.body.dataset.query.includes("filter=");
  // Without the host: what is before it in an address may be hidden from scripts.
  history.replaceState(null, "", here.search || here.pathname.replace(/^\/+/, "/"));
  if (partial && before !== null) {
    document.body.dataset.query = "";
    everythingUnfiltered();
  } else {
    applyFilter();
  }
});

async function everythingUnfiltered() {
  const here = new URL(location.href);
  here.searchParams.delete("filter");
  replaceAll(await fetchPage(here));
}

filter?.form.addEventListener("submit", (event) => {
  event.preventDefault();
  move(1);
});

// The selection

function count() {
  const number = form.querySelectorAll("[name=process]:checked").length;
  write(document.getElementById("how-many"), `${number} selected`);
}

form?.addEventListener("change", (event) => {
  if (event.target.name === "process") count();
});
if (form) count();

// Keys

let current = null;

function move(by) {
  const shown = rows().filter((row) => row.offsetParent !== null);
  const here = shown.indexOf(current);
  const next = shown[here < 0 ? (by > 0 ? 0 : shown.length - 1) : here + by];
  if (!next) return;
  current?.classList.remove("current");
  current = next;
  current.classList.add("current");
  current.querySelector(".name a").focus({ preventScroll: true });
  current.scrollIntoView({ block: "nearest" });
}

// What a key does to the selection, or to the process at hand: the first that has a button for it.
function press(...names) {
  const picked = rows().filter((row) => row.querySelector("[name=process]").checked);
  const about = picked.length ? picked : [current].filter(Boolean);
  const name = names.find((each) => about.some((row) => row.querySelector(`[name=${each}]`)));
  if (!name) return;
  const place = picked.length ? document.getElementById("selection") : current;
  send(form, place.querySelector(picked.length ? `[value=${name}]` : `[name=${name}]`));
}

const KEYS = {
  "/": () => filter.focus(),
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  x: () => current?.querySelector("[name=process]").click(),
  s: () => press("start", "stop"),
  r: () => press("restart"),
  Escape: () => {
    for (const box of form.querySelectorAll("[name=process]:checked")) box.checked = false;
    count();
  },
  "?": () => document.getElementById("keys").showModal(),
};

document.getElementById("help").addEventListener("click", KEYS["?"]);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const typing = event.target.closest("input[type=search], input[type=text], select, textarea");
  if (typing) {
    if (event.key === "Escape" && typing === filter) {
      filter.value = "";
      filter.dispatchEvent(new Event("input"));
      filter.blur();
    }
    return;
  }
  const act = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : null;
  if (act) {
    event.preventDefault();
    act();
  }
});

applyFilter();
