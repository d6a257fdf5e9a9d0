"use strict";
// Ages of UTC times, told by the reader's clock: the page itself has none.
(() => {
  const units = [["year", 31557600], ["month", 2629800], ["day", 86400], ["hour", 3600], ["minute", 60]];
  const words = new Intl.RelativeTimeFormat("en", { numeric: "always" });
  for (const time of document.querySelectorAll("time[datetime]")) {
    const then = Date.parse(time.dateTime);
    if (Number.isNaN(then)) continue;
    const seconds = (then - Date.now()) / 1000;
    const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) || ["minute", 60];
    time.title = time.textContent;
    time.textContent = time.textContent.slice(0, 10) + " (" + words.format(Math.trunc(seconds / length), unit) + ")";
  }
})();
// Light or dark: by the system, until the reader switches. Pages from a disk may be refused a storage.
(() => {
  const root = document.documentElement;
  const button = document.querySelector(".theme");
  const dark = () =>
    (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const stored = (write) => {
    try {
      if (write) localStorage.setItem("arcgauge-theme", write);
      return localStorage.getItem("arcgauge-theme");
    } catch {
      return null;
    }
  };
  const told = () => button.setAttribute("aria-pressed", String(dark()));
  const before = stored();
  if (before === "dark" || before === "light") root.dataset.theme = before;
  button.hidden = false;
  button.textContent = "Dark";
  button.setAttribute("aria-label", "Dark colours");
  told();
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    stored(root.dataset.theme);
    told();
    dispatchEvent(new Event("themechange"));
  });
})();
