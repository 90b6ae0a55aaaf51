// Shortcuts, pasting a picture anywhere on the page, the language and the light/dark switch.
(() => {
  const THEME_KEY = "colorize-theme";
  const button = (id) => document.querySelector(`button#${id}, #${id} button`);
  // The first that is on the page in sight.
  const press = (...ids) => {
    const target = ids.map(button).find((found) => found?.checkVisibility());
    if (target && !target.disabled) target.click();
  };

  const isRunning = () => ["stop", "folder-stop"].some((id) => button(id)?.disabled === false);

  // A page that goes takes its run with it, and the next one says so.
  addEventListener("pagehide", () => sessionStorage.setItem("colorize-run", isRunning() ? "ended" : ""));

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      // A number field hands its value over when it loses the focus.
      if (document.activeElement instanceof HTMLInputElement) document.activeElement.blur();
      setTimeout(() => press("colorize", "folder-start"), 0);
    // An open list of choices is closed by it.
    } else if (event.key === "Escape" && !event.target.matches?.("[role=combobox][aria-expanded=true]")) {
      press("stop", "folder-stop");
    }
  }, true);

  // A pasted picture goes to the zone in sight that has the focus or the pointer, else to the first empty one.
  const zones = ["sketch", "reference", "reference-2", "reference-3", "folder-sketches"];
  const inputOf = (id) => document.querySelector(`#${id} input[type=file]`);
  const zoneForPaste = () => {
    const inSight = zones.filter((id) => document.getElementById(id)?.checkVisibility() && inputOf(id));
    return inSight.find((id) => document.querySelector(`#${id}:hover, #${id}:focus-within`)) ?? inSight[0];
  };
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((item) => item.type.startsWith("image/"));
    const zone = file && zoneForPaste();
    if (!zone) return;
    event.preventDefault();
    const transfer = new DataTransfer();
    transfer.items.add(file);
    const input = inputOf(zone);
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // Gradio follows the system's light or dark; a choice made with the switch comes before it.
  const stored = localStorage.getItem(THEME_KEY);
  if (stored) document.body.classList.toggle("dark", stored === "dark");
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("#theme-toggle")) return;
    const dark = document.body.classList.toggle("dark");
    localStorage.setItem(THEME_KEY, dark ? "dark" : "light");
  });

  // The server writes the page in the language of this cookie, else in the browser's.
  document.addEventListener("click", (event) => {
    const toggle = event.target.closest?.("#language-toggle");
    if (!toggle) return;
    const { language, question } = toggle.dataset;
    if (isRunning() && toggle.textContent !== question) {
      // The page is loaded anew, which ends a run: only a second press does it. The frame of a Space has no dialogs.
      const name = toggle.textContent;
      toggle.textContent = question;
      setTimeout(() => { toggle.textContent = name; }, 6000);
      return;
    }
    // On a Space the page is in a frame of another site.
    const scope = location.protocol === "https:" ? "SameSite=None; Secure; Partitioned" : "SameSite=Lax";
    document.cookie = `language=${language}; path=/; max-age=31536000; ${scope}`;
    location.reload();
  });
})();
