// Colours and styles in the output of programs, as classes: what supervisor_tx/web/pages/sgr.py
// does on the page, here for what arrives later.

const SEQUENCE = new RegExp(
  [
    "\\x1b\\[([0-9;:]{0,256})m",
    "\\x1b\\[[0-?]*[ -/]*[@-~]",
    "\\x1b\\][^\\x07\\x1b]{0,2048}(?:\\x07|\\x1b\\\\)",
    "\\x1b[ -/]*[0-~]",
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]",
  ].join("|"),
  "g",
);

const STYLES = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "struck" };
const ENDS = {
  22: ["bold", "dim"],
  23: ["italic"],
  24: ["underline"],
  27: ["inverse"],
  29: ["struck"],
};

export const PLAIN = { foreground: null, background: null, effects: [] };

export function classes(style) {
  const found = [];
  if (style.foreground !== null) found.push(`fg f${style.foreground}`);
  if (style.background !== null) found.push(`bg b${style.background}`);
  return [...found, ...[...style.effects].sort()].join(" ");
}

// Add text to an element in pieces of one style each; return the style at its end.
export function append(element, text, style = PLAIN) {
  let position = 0;
  for (const found of text.matchAll(SEQUENCE)) {
    add(element, text.slice(position, found.index), style);
    position = found.index + found[0].length;
    if (found[1] !== undefined) style = set(style, found[1]);
  }
  add(element, text.slice(position), style);
  return style;
}

function add(element, text, style) {
  if (!text) return;
  const name = classes(style);
  if (!name) {
    element.append(text);
    return;
  }
  const span = document.createElement("span");
  span.className = name;
  span.textContent = text;
  element.append(span);
}

function set(style, parameters) {
  const numbers = parameters.split(/[;:]/).map((each) => Number(each) % 100000);
  while (numbers.length) {
    const number = numbers.shift();
    style = number === 38 || number === 48 ? colour(style, number, numbers) : one(style, number);
  }
  return style;
}

function one(style, number) {
  if (number === 0) return PLAIN;
  if (STYLES[number]) {
    const others = style.effects.filter((each) => each !== STYLES[number]);
    return { ...style, effects: [...others, STYLES[number]] };
  }
  if (ENDS[number]) {
    return { ...style, effects: style.effects.filter((each) => !ENDS[number].includes(each)) };
  }
  if (number >= 30 && number <= 39) {
    return { ...style, foreground: number === 39 ? null : number - 30 };
  }
  if (number >= 40 && number <= 49) {
    return { ...style, background: number === 49 ? null : number - 40 };
  }
  if (number >= 90 && number <= 97) return { ...style, foreground: number - 82 };
  if (number >= 100 && number <= 107) return { ...style, background: number - 92 };
  return style;
}

function colour(style, which, numbers) {
  const kind = numbers.shift();
  let found;
  if (kind === 5 && numbers.length) found = Math.min(numbers.shift(), 255);
  else if (kind === 2 && numbers.length >= 3) found = nearest(numbers.splice(0, 3));
  else {
    numbers.length = 0; // nobody knows where it ends
    return style;
  }
  return which === 38 ? { ...style, foreground: found } : { ...style, background: found };
}

export function nearest(rgb) {
  const wanted = rgb.map((each) => Math.min(each, 255));
  const steps = wanted.map((each) => (each < 48 ? 0 : each < 115 ? 1 : Math.floor((each - 35) / 40)));
  const sum = wanted[0] + wanted[1] + wanted[2];
  const grey = Math.max(0, Math.min(23, Math.floor((Math.floor(sum / 3) - 3) / 10)));
  const cube = steps.map((step) => (step ? 55 + 40 * step : 0));
  const distance = (other) => wanted.reduce((all, each, n) => all + (each - other[n]) ** 2, 0);
  const level = 8 + 10 * grey;
  if (distance([level, level, level]) < distance(cube)) return 232 + grey;
  return 16 + 36 * steps[0] + 6 * steps[1] + steps[2];
}
