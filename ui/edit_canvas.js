// The regions over the reference: drawn, looked at and painted on. Runs once, with Gradio's element, props, trigger.
const part = (name) => element.querySelector(`[data-part="${name}"]`);
const [picture, bands, marks] = [element.querySelector(".region-picture img"), part("bands"), part("marks")];
const [message, readout, legend] = ["message", "readout", "legend"].map((n) => element.querySelector(`.region-${n}`));
const [opacity, only, brush] = [part("opacity"), part("only"), part("brush")];
const tools = [...element.querySelectorAll("[data-tool]")];
const CELL = 24; // pixels of a token on the canvas of marks
const PATIENCE = 10_000; // ms to wait for an answer that may have got lost

let cells = []; // one sign a token
let tool = "look";
let stroke = 0; // number of the last one that was sent
let sent = 0; // when that was, 0 once it is answered
let unsent = false; // painted on since
let drawing = null; // the token that the stroke under way reached last
let cursor = null; // of the keyboard
let shown = null; // the token whose values are read out

const value = () => props.value || {};
const side = () => value().side || 0;
const blank = () => Array(side() ** 2).fill(".");

function draw() {
  const n = side();
  element.classList.toggle("is-empty", !value().picture);
  element.classList.toggle("is-painting", tool !== "look");
  bands.width = bands.height = Math.max(n, 1);
  marks.width = marks.height = Math.max(n, 1) * CELL;
  const colours = (value().bands || []).map((band) => value().colours[band]);
  const onBands = bands.getContext("2d");
  colours.forEach((colour, i) => {
    onBands.fillStyle = colour;
    onBands.fillRect(i % n, Math.floor(i / n), 1, 1);
  });
  const onMarks = marks.getContext("2d");
  onMarks.lineWidth = 2;
  cells.forEach((sign, i) => {
    if (sign === ".") return;
    const [x, y] = [(i % n) * CELL, Math.floor(i / n) * CELL];
    onMarks.fillStyle = sign === "+" ? "rgba(255,255,255,.85)" : "rgba(0,0,0,.7)";
    onMarks.fillRect(x + 5, y + 5, CELL - 10, CELL - 10);
    onMarks.fillStyle = sign === "+" ? "#000" : "#fff";
    onMarks.fillRect(x + 8, y + CELL / 2 - 1, CELL - 16, 2);
    if (sign === "+") onMarks.fillRect(x + CELL / 2 - 1, y + 8, 2, CELL - 16);
  });
  const outlined = cursor ?? shown;
  if (outlined !== null && outlined < n * n) {
    const [x, y] = [(outlined % n) * CELL, Math.floor(outlined / n) * CELL];
    onMarks.strokeStyle = "#000";
    onMarks.strokeRect(x + 1, y + 1, CELL - 2, CELL - 2);
    onMarks.strokeStyle = "#fff";
    onMarks.strokeRect(x + 3, y + 3, CELL - 6, CELL - 6);
  }
}


function showOpacity() {
  const share = value().bands ? opacity.value / 100 : 0;
  bands.style.opacity = share;
  picture.style.filter = share ? `grayscale(${share})` : "none";
}

function say(i) {
  shown = i;
  const { m, bands: band, weights, unit, names } = value();
  if (i === null || !band) {
    readout.textContent = props.hint;
  } else {
    const painted = { "+": props.painted_in, "-": props.painted_out }[cells[i]];
    const words = value().everything ? props.readout_everything : props.readout;
    readout.textContent = words
      .replace("%m", m[i].toFixed(2))
      .replace("%band", names[band[i]])
      .replace("%weight", weights[i].toFixed(unit ? 2 : 1) + (unit ? ` ${unit}` : ""))
      + (painted ? ` · ${painted}` : "");
  }
  draw();
}

function showLegend() {
  legend.replaceChildren(...(value().legend || []).map((row) => {
    const item = document.createElement("li");
    const [swatch, name, interval, share] = ["i", "b", "span", "em"].map((tag) => document.createElement(tag));
    swatch.style.background = row.colour;
    name.textContent = row.name;
    item.title = row.meaning;
    interval.textContent = row.interval;
    share.textContent = `${(100 * row.share).toFixed(1)}%`;
    item.append(swatch, name, interval, share);
    return item;
  }));
}

function show() {
  const given = value();
  const address = given.picture || "";
  if (picture.getAttribute("src") !== address) {
    address ? picture.setAttribute("src", address) : picture.removeAttribute("src");
  }
  const answered = (given.stroke ?? stroke) >= stroke;
  if (answered) sent = 0;
  if (unsent && answered && drawing === null) send();
  // What does not know the latest stroke must not paint over it.
  else if (answered && drawing === null) {
    stroke = given.stroke ?? stroke;
    cells = given.painted ? [...given.painted.replaceAll("/", "")] : blank();
    only.checked = Boolean(given.only);
  }
  if (cells.length !== side() ** 2) cells = blank();
  message.textContent = given.message || "";
  showLegend();
  showOpacity();
  say(shown !== null && shown < side() ** 2 ? shown : null);
}

// One stroke is on its way at a time, so that they arrive in order.
function send() {
  unsent = Boolean(sent) && Date.now() - sent < PATIENCE;
  if (unsent) return;
  sent = Date.now();
  const n = side();
  const rows = Array.from({ length: n }, (_, y) => cells.slice(y * n, (y + 1) * n).join(""));
  stroke += 1;
  trigger("input", { cells: cells.some((sign) => sign !== ".") ? rows.join("/") : "", only: only.checked, stroke });
}

function cellAt(event) {
  const box = marks.getBoundingClientRect();
  const along = (position, start, length) =>
    Math.min(Math.max(Math.floor(((position - start) / length) * side()), 0), side() - 1);
  return along(event.clientY, box.top, box.height) * side() + along(event.clientX, box.left, box.width);
}

function paint(i) {
  const n = side();
  const reach = brush.checked ? 1 : 0;
  const [row, column] = [Math.floor(i / n), i % n];
  for (let y = Math.max(row - reach, 0); y <= Math.min(row + reach, n - 1); y++) {
    for (let x = Math.max(column - reach, 0); x <= Math.min(column + reach, n - 1); x++) cells[y * n + x] = tool;
  }
}

// A quick hand skips tokens between two events.
function paintLine(from, to) {
  const n = side();
  const [row, column] = [Math.floor(from / n), from % n];
  const [down, right] = [Math.floor(to / n) - row, (to % n) - column];
  const count = Math.max(Math.abs(down), Math.abs(right), 1);
  for (let k = 1; k <= count; k++) {
    paint(Math.round(row + (k / count) * down) * n + Math.round(column + (k / count) * right));
  }
}

marks.addEventListener("pointerdown", (event) => {
  if (!side()) return;
  cursor = null;
  const i = cellAt(event);
  if (tool !== "look" && event.button === 0) {
    drawing = i;
    marks.setPointerCapture(event.pointerId);
    paint(i);
  }
  say(i);
});
marks.addEventListener("pointermove", (event) => {
  if (!side()) return;
  const i = cellAt(event);
  if (drawing !== null) {
    paintLine(drawing, i);
    drawing = i;
    say(i);
  } else if (i !== shown) {
    say(i);
  }
});
const endStroke = () => {
  if (drawing === null) return;
  drawing = null;
  send();
};
marks.addEventListener("pointerup", endStroke);
marks.addEventListener("pointercancel", endStroke);
marks.addEventListener("pointerleave", (event) => {
  if (drawing === null && event.pointerType === "mouse") say(null);
});
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
marks.addEventListener("keydown", (event) => {
  const n = side();
  if (!n) return;
  if (STEPS[event.key]) {
    const [row, column] = cursor === null ? [0, 0] : [Math.floor(cursor / n), cursor % n];
    const [down, right] = cursor === null ? [0, 0] : STEPS[event.key];
    cursor = Math.min(Math.max(row + down, 0), n - 1) * n + Math.min(Math.max(column + right, 0), n - 1);
  } else if (event.key === " " && cursor !== null) {
    if (tool !== "look") {
      paint(cursor);
      send();
    }
  } else {
    return;
  }
  event.preventDefault();
  say(cursor);
});
marks.addEventListener("blur", () => {
  cursor = null;
  draw();
});

tools.forEach((button) => button.addEventListener("click", () => {
  tool = button.dataset.tool;
  tools.forEach((other) => other.setAttribute("aria-pressed", other === button));
  draw();
}));
part("clear").addEventListener("click", () => {
  cells = blank();
  only.checked = false;
  send();
  draw();
});
only.addEventListener("change", send);
opacity.addEventListener("input", showOpacity);
watch("value", show);
show();
