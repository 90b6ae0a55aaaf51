// The list of edits: one row each, with a switch and buttons. Texts of visitors are set as text, never as markup.
const rows = element.querySelector(".edit-rows");
const empty = element.querySelector(".edit-empty");

const act = (action, index) => trigger("input", { action, index });

function button(symbol, label, action, index, disabled) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = symbol;
  made.title = label;
  made.setAttribute("aria-label", label);
  made.dataset.action = action;
  made.disabled = disabled;
  made.addEventListener("click", () => act(action, index));
  return made;
}

function row(edit, index, count) {
  const item = document.createElement("li");
  item.className = `edit-row${edit.chosen ? " is-chosen" : ""}${edit.enabled ? "" : " is-off"}`;
  if (edit.chosen) item.setAttribute("aria-current", "true");
  const power = document.createElement("input");
  power.type = "checkbox";
  power.checked = edit.enabled;
  power.title = props.on;
  power.setAttribute("aria-label", `${props.on}: ${edit.title}`);
  power.addEventListener("change", () => act("switch", index));
  const words = document.createElement("button");
  words.type = "button";
  words.className = "edit-words";
  words.dataset.action = "choose";
  words.title = props.change;
  words.addEventListener("click", () => act("choose", index));
  const [title, details] = [document.createElement("b"), document.createElement("span")];
  title.textContent = edit.title;
  details.textContent = edit.details;
  words.append(title, details);
  item.append(
    power,
    words,
    button("↑", `${props.up}: ${edit.title}`, "up", index, index === 0),
    button("↓", `${props.down}: ${edit.title}`, "down", index, index === count - 1),
    button("✎", `${props.change}: ${edit.title}`, "choose", index, false),
    button("✕", `${props.discard}: ${edit.title}`, "remove", index, false),
  );
  return item;
}

function show() {
  const edits = props.value?.rows ?? [];
  const focused = document.activeElement;
  const place = rows.contains(focused) && [[...rows.children].indexOf(focused.closest("li")), focused.dataset.action];
  rows.replaceChildren(...edits.map((edit, index) => row(edit, index, edits.length)));
  if (place) {
    const item = rows.children[Math.min(place[0], rows.children.length - 1)];
    item?.querySelector(place[1] ? `[data-action="${place[1]}"]:not(:disabled)` : "input")?.focus();
  }
  empty.hidden = edits.length > 0;
  const count = document.querySelector("#edit-count");
  const active = edits.filter((edit) => edit.enabled).length;
  if (count) {
    count.hidden = active === 0;
    count.textContent = active;
  }
}
watch("value", show);
show();
