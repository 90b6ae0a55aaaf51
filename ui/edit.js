// Text boxes of the edit panel tell their value when typing pauses, and its sliders when a key moved them.
(() => {
  const PAUSE = 700; // ms
  const TEXTS = "#edit-target, #edit-anchor, #edit-control";
  let timer = 0;
  document.addEventListener("input", (event) => {
    const box = event.target.closest?.(TEXTS) && event.target;
    if (!box) return;
    clearTimeout(timer);
    timer = setTimeout(() => box.dispatchEvent(new FocusEvent("blur")), PAUSE);
  });
  document.addEventListener("keyup", (event) => {
    if (!event.target.matches?.("#area-edit input[type=range][name]")) return;
    if (!/^(Arrow|Page|Home|End)/.test(event.key)) return;
    event.target.dispatchEvent(new PointerEvent("pointerup", { bubbles: true }));
  });
})();
