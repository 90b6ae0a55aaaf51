// Shortcuts, pasting a picture anywhere on the page, the language and the light/dark switch.
(() => {
  const THEME_KEY = "colorize-theme";
  const button = (id) => document.querySelector(`button#${id}, #${id} button`);
  // The first that is on the page in sight.
  const press = (...ids) => {
    const target = ids.map(button).find((found) => found?.checkVisibility());
    if (target && !target.disabled) target.click();
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      // A number field hands its value over when it loses the focus.
      if (document.activeElement instanceof HTMLInputElement) document.activeElement.blur();
      setTimeout(() => press("colorize", "folder-start"), 0);
    } else if (event.key === "Escape" && !event.defaultPrevented) {
      press("stop", "folder-stop");
    }
  }, true);

  // A pasted picture goes to the zone that has the focus or the pointer, else to the first empty one.
  const zones = ["sketch", "reference"];
  const inputOf = (id) => document.querySelector(`#${id} input[type=file]`);
  const zoneForPaste = () => {
    const wanted = zones.find((id) => document.querySelector(`#${id}:hover, #${id}:focus-within`));
    return [wanted, ...zones].find((id) => id && inputOf(id));
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
    const language = event.target.closest?.("#language-toggle")?.dataset.language;
    if (!language) return;
    // On a Space the page is in a frame of another site.
    const scope = location.protocol === "https:" ? "SameSite=None; Secure; Partitioned" : "SameSite=Lax";
    document.cookie = `language=${language}; path=/; max-age=31536000; ${scope}`;
    location.reload();
  });
})();
