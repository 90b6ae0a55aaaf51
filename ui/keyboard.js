// The before/after slider and the history by keyboard, names and tooltips where Gradio gives none.
(() => {
  const STEP = 0.05; // of the picture's width

  // Gradio's slider follows the mouse only; a key moves it as a mouse would.
  const moveSlider = (handle, key) => {
    const frame = handle.parentElement.getBoundingClientRect();
    const box = handle.getBoundingClientRect();
    const from = box.left + box.width / 2;
    const to = {
      ArrowLeft: from - STEP * frame.width,
      ArrowRight: from + STEP * frame.width,
      Home: frame.left,
      End: frame.right,
    }[key];
    if (to === undefined) return false;
    const send = (target, type, x) =>
      target.dispatchEvent(
        new MouseEvent(type, { view: window, bubbles: true, cancelable: true, clientX: x, clientY: box.top + 1 }),
      );
    send(handle, "mousedown", from);
    send(window, "mousemove", Math.min(Math.max(to, frame.left), frame.right));
    send(window, "mouseup", to);
    setTimeout(() => describeSlider(handle), 50); // Gradio moves the handle a moment later
    return true;
  };
  const describeSlider = (handle) => {
    const frame = handle.parentElement.getBoundingClientRect();
    const box = handle.getBoundingClientRect();
    const share = Math.round((100 * (box.left + box.width / 2 - frame.left)) / frame.width);
    if (Number.isFinite(share)) handle.setAttribute("aria-valuenow", Math.min(Math.max(share, 0), 100));
  };

  let focusHistory = false; // after a deletion, on the picture that takes the place
  const moveInHistory = (item, key) => {
    const items = [...document.querySelectorAll("#history .thumbnail-item")];
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    const next = items[items.indexOf(item) + step];
    if (step && next) {
      next.focus();
      next.click();
    }
    if (key === "Delete") {
      document.querySelector("#history-delete:not(:disabled)")?.click();
      focusHistory = true;
    }
    return step !== undefined || key === "Delete";
  };

  document.addEventListener("keydown", (event) => {
    const handle = event.target.closest?.('[data-testid="slider"]');
    const item = event.target.closest?.("#history .thumbnail-item");
    if ((handle && moveSlider(handle, event.key)) || (item && moveInHistory(item, event.key))) event.preventDefault();
  });

  const prepare = () => {
    for (const handle of document.querySelectorAll('[data-testid="slider"][role="none"]')) {
      const attributes = { role: "slider", tabindex: 0, "aria-label": PAGE_TEXTS.slider, "aria-valuemin": 0 };
      for (const [name, value] of Object.entries({ ...attributes, "aria-valuemax": 100, "aria-valuenow": 50 }))
        handle.setAttribute(name, value);
    }
    // A name on an element without a role is not read.
    for (const empty of document.querySelectorAll(".empty[aria-label]:not([role])")) empty.setAttribute("role", "img");
    // Gradio calls them "Thumbnail 1 of 16".
    for (const item of document.querySelectorAll(".thumbnail-item:has(.caption-label)")) {
      const caption = item.querySelector(".caption-label").textContent.trim();
      if (item.getAttribute("aria-label") !== caption) item.setAttribute("aria-label", caption);
    }
    // The head of a message holds a button of its own.
    for (const head of document.querySelectorAll(".toast-header[role=button]")) head.setAttribute("role", "group");
    // What Gradio's own script says is in English.
    for (const message of document.querySelectorAll(".toast-body")) {
      const nodes = document.createTreeWalker(message, NodeFilter.SHOW_TEXT);
      while (nodes.nextNode()) {
        const own = PAGE_TEXTS.toasts[nodes.currentNode.data.trim()];
        if (own) nodes.currentNode.data = own;
      }
    }
    for (const [id, tip] of Object.entries(PAGE_TEXTS.tips)) {
      const control = document.querySelector(`.block#${id}:has([type=range]), button#${id}, #${id} button`);
      if (control && control.title !== tip) control.title = tip;
    }
    const chosen = focusHistory && document.activeElement === document.body && document.querySelector("#history .selected");
    if (chosen) {
      focusHistory = false;
      chosen.focus();
    }
    for (const image of document.querySelectorAll(".image-container img:not([data-named])")) {
      const block = image.closest(".block");
      image.dataset.named = "";
      if (!image.alt && block) image.alt = block.querySelector("label[data-testid='block-label']")?.innerText.trim() ?? "";
    }
  };
  new MutationObserver(prepare).observe(document.body, { childList: true, subtree: true });
})();
