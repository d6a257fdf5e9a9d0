"use strict";
// Ages of UTC times, by the reader's clock: the page itself has none.
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
  const show = () => button.setAttribute("aria-pressed", String(dark()));
  const before = stored();
  if (before === "dark" || before === "light") root.dataset.theme = before;
  button.hidden = false;
  button.textContent = "Dark";
  button.setAttribute("aria-label", "Dark colours");
  show();
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    stored(root.dataset.theme);
    show();
    dispatchEvent(new Event("themechange"));
  });
})();
// Rows by the size of their change, or in the order of the page.
for (const table of document.querySelectorAll("table[data-sort]")) {
  const [body] = table.tBodies;
  const rows = [...body.rows];
  const size = (row) => Math.abs(parseFloat(row.cells[2].textContent)) || 0;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Sort by size";
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    const isBySize = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isBySize));
    body.append(...(isBySize ? [...rows].sort((one, other) => size(other) - size(one)) : rows));
  });
  if (rows.length > 2) table.parentElement.before(button);
}
// The commit under the pointer on a chart of the first page.
for (const trend of document.querySelectorAll(".trend")) {
  const points = trend.dataset.points.split(";");
  const card = document.createElement("p");
  card.className = "card";
  card.textContent = "Point at the chart for the value of a commit.";
  trend.append(card);
  for (const svg of trend.querySelectorAll("svg")) {
    const [from, to] = trend.dataset[svg.classList.contains("wide") ? "wide" : "narrow"].split(" ").map(Number);
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const share = ((event.clientX - box.left) / box.width - from) / (to - from);
      const count = Number(trend.dataset.positions);
      const point = points[Math.round(share * (count - 1)) - (count - points.length)];
      if (!point) return;
      const [sha, day, value] = point.split(" ");
      const link = document.createElement("a");
      link.className = "sha";
      link.textContent = sha;
      if (/^[0-9a-f]{12}$/.test(sha)) link.href = `commit/${sha}.html`;
      card.replaceChildren(link, ` ${day}: ${value ? value + " " + trend.dataset.unit : "no valid value"}`);
    });
  }
}
