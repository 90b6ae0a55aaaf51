// After every step: to the question that was left out, else to the top of the new part, where reading starts.
window.showStudyStep = () => requestAnimationFrame(() => {
  const seen = (element) => element.checkVisibility();
  const missing = [...document.querySelectorAll(".is-missing")].find(seen);
  if (missing) {
    const question = missing.closest(".question");
    question.scrollIntoView({ block: "center" });
    question.querySelector("input").focus({ preventScroll: true });
    return;
  }
  const heading = [...document.querySelectorAll("h2[tabindex]")].find(seen);
  heading?.focus({ preventScroll: true });
  window.scrollTo({ top: 0 });
});

// A file that the server sent as {name, type, base64}, into the browser's downloads.
window.saveStudyFile = (file) => {
  const bytes = Uint8Array.from(atob(file.base64), (letter) => letter.charCodeAt(0));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: file.type }));
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
};
