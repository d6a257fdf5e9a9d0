"use strict";
// The page of the history: filters, ranges, and the charts that take the place of the drawn ones.
(() => {
  const form = document.querySelector(".filters");
  if (!form || !historyTimelines.length) return;
  const hasLibrary = typeof uPlot === "function";
  const LASTS = [30, 90, 365];
  const CLICK_MS = 250; // a second click within it is no first one
  const KEYS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
  const element = historyElement;
  const charts = new Map(); // by their sections
  let view;
  let click = 0;
  let isTouched = false;

  // The commits that a filter leaves, and of them the range that is shown.
  const arrange = () => {
    const { timeline, runtime } = view;
    if (view.keptFor !== timeline || view.keptRuntime !== runtime) {
      const all = Array.from({ length: timeline.count }, (_, at) => at);
      view.kept = runtime < 0 ? all : all.filter((at) => timeline.runtime(at) === runtime);
      [view.keptFor, view.keptRuntime] = [timeline, runtime];
    }
    const end = view.kept.length - 1;
    const from = view.kept.findIndex((at) => at >= view.from);
    const to = view.kept.findLastIndex((at) => at <= view.to);
    [view.low, view.high] = [0, end];
    if (view.last) view.low = Math.max(0, end + 1 - view.last);
    else if (view.from >= 0 && view.to >= 0 && from >= 0 && to >= from) [view.low, view.high] = [from, to];
  };

  let writing = 0;
  const remember = () => {
    clearTimeout(writing);
    writing = setTimeout(() => {
      try {
        history.replaceState(null, "", historyAddress.write(view));
      } catch {
        // A page from a disk may be refused it, or one that moves too often.
      }
    }, 60);
  };

  const sectionOf = (timeline) => document.getElementById("t-" + timeline.id);
  const figuresOf = (timeline) => [...sectionOf(timeline).querySelectorAll(".figure")];

  // What stands beside a commit's place: the same for a pointer and for keys.
  const showCard = (chart, x) => {
    const { timeline, metric, figures, card } = chart;
    const at = chart.kept[x];
    const sha = timeline.sha(at);
    const value = (figure) => (figure === null ? "no value" : historyNumber(figure));
    const parts = [element("strong", {}, value(figures.mean[at]) + (figures.mean[at] === null ? "" : " " + metric.unit))];
    if (figures.low && figures.low[at] !== null) parts.push(`(${value(figures.low[at])} to ${value(figures.high[at])})`);
    const facts = [];
    metric.prompts.forEach((prompt, place) => facts.push(`${prompt.id} ${value(figures.prompts[place][at])}`));
    const standing = timeline.standing(at);
    const epoch = timeline.epochText(at);
    facts.push(`epoch ${timeline.epoch(at)}${epoch ? " begins: " + epoch : ""}`, timeline.runtimes[timeline.runtime(at)]);
    const change = metric.changes.find((change) => change.at === at);
    if (change) facts.push(`${change.percent > 0 ? "+" : ""}${change.percent.toFixed(2)} % from here on`);
    const commit = /^[0-9a-f]{12}$/.test(sha) ? element("a", { className: "sha", href: `commit/${sha}.html` }, sha) : "no commit";
    card.replaceChildren(commit, ` ${timeline.day(at)} `, ...parts.flatMap((part) => [part, " "]));
    if (standing) card.append(element("span", { className: "badge " + standing.class }, `${standing.glyph} ${standing.word}`), " ");
    card.append(element("span", { className: "facts-line" }, facts.join("; ")));
  };

  const moveTo = (x, chart) => {
    view.cursor = view.kept[x];
    showCard(chart, x);
    for (const other of charts.values()) {
      if (other.timeline === view.timeline && other !== chart) other.point(x);
    }
    remember();
  };

  const visit = () => {
    const sha = view.cursor >= 0 ? view.timeline.sha(view.cursor) : "";
    if (/^[0-9a-f]{12}$/.test(sha)) location.href = `commit/${sha}.html`;
  };

  const show = (low, high) => {
    const end = view.kept.length - 1;
    [low, high] = [Math.max(0, low), Math.min(end, high)];
    const isAll = low <= 0 && high >= end;
    Object.assign(view, { last: 0, from: isAll ? -1 : view.kept[low], to: isAll ? -1 : view.kept[high] });
    refresh();
  };

  const acts = {
    moved: (chart, x) => moveTo(x, chart),
    zoomed: (low, high) => show(low, Math.max(high, low + 1)),
    showAll: () => {
      clearTimeout(click);
      show(0, Infinity);
    },
  };

  const press = (event, chart) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target !== chart.host) return;
    if (event.key === "Enter") return visit();
    if (event.key === "Escape") return acts.showAll();
    const step = KEYS[event.key];
    if (!step) return;
    event.preventDefault();
    const end = view.kept.length - 1;
    const before = view.kept.indexOf(view.cursor);
    const start = before < 0 ? (step > 0 ? view.low - 1 : view.high + 1) : before;
    const x = Math.min(end, Math.max(0, start + step));
    // A commit that is not shown takes the range with it.
    const width = view.high - view.low;
    if (x < view.low) show(x, x + width);
    else if (x > view.high) show(x - width, x);
    chart.point(x);
    moveTo(x, chart);
  };

  const draw = (section) => {
    if (charts.has(section)) return;
    const metric = view.timeline.metrics.find((it) => it.name === section.dataset.name);
    if (!metric) return;
    const chart = historyChart.open(section, view.timeline, metric, view, acts);
    charts.set(section, chart);
    chart.update();
    chart.host.addEventListener("keydown", (event) => press(event, chart));
    chart.host.addEventListener("pointerdown", (event) => (isTouched = event.pointerType === "touch"));
    chart.plot.over.addEventListener("click", () => {
      clearTimeout(click);
      // A finger has not seen yet what it points at; the card has the link.
      if (!isTouched) click = setTimeout(visit, CLICK_MS);
    });
    const x = view.kept.indexOf(view.cursor);
    if (x >= 0) {
      chart.point(x);
      showCard(chart, x);
    }
    if (charts.size === 1) performance.mark("first-chart");
  };

  const seen = hasLibrary && new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting && inView(entry.target)) draw(entry.target);
  }, { rootMargin: "300px" });
  const inView = (section) => section.closest(".timeline") === sectionOf(view.timeline) && !section.hidden;

  // What is to be seen first is drawn first; the rest when nothing else is to be done.
  const later = self.requestIdleCallback || ((work) => setTimeout(work, 50));
  const drawRest = () => {
    const section = figuresOf(view.timeline).find((it) => inView(it) && !charts.has(it));
    // Whoever looks at the whole page can wait for this.
    document.documentElement.toggleAttribute("data-drawing", Boolean(section));
    if (!section) return;
    draw(section);
    later(drawRest);
  };

  const filters = new Map();
  const addFilter = (key, label) => {
    const select = element("select", { name: key });
    form.querySelector(".choices").append(element("label", {}, label + " ", select));
    filters.set(key, select);
    return select;
  };
  const fill = (select, values, chosen) => {
    select.replaceChildren(...values.map(({ value, text }) => element("option", { value, textContent: text })));
    select.value = chosen;
  };
  const button = (group, words, act) => {
    const made = element("button", { type: "button", textContent: words });
    made.addEventListener("click", act);
    form.querySelector(group).append(made);
    return made;
  };
  const pressed = (made, is) => made.setAttribute("aria-pressed", String(is));

  const TIMELINE_KEYS = { machine: "Machine", model: "Model", device: "Device", workload: "Prompts" };
  // The timeline of what was chosen that is otherwise most like the one before.
  const choose = (key, value) => {
    const similarity = (it) => Object.keys(TIMELINE_KEYS).filter((key) => it[key] === view.timeline[key]).length;
    const candidates = historyTimelines.filter((it) => it[key] === value);
    candidates.sort((one, other) => similarity(other) - similarity(one));
    if (candidates.length) open(historyAddress.read("#t=" + candidates[0].id + (view.fromZero ? "&zero=1" : "")));
  };
  for (const [key, label] of Object.entries(TIMELINE_KEYS)) {
    const values = [...new Set(historyTimelines.map((it) => it[key]))];
    const select = addFilter(key, label);
    fill(select, values.map((value) => ({ value, text: value })), values[0]);
    select.parentElement.hidden = key === "workload" && values.length < 2;
    select.addEventListener("change", () => choose(key, select.value));
  }
  addFilter("runtime", "Runtime").addEventListener("change", (event) => {
    Object.assign(view, { runtime: Number(event.target.value), last: 0, from: -1, to: -1 });
    refresh();
  });
  const lasts = LASTS.map((last) => {
    const act = () => (Object.assign(view, { last, from: -1, to: -1 }), refresh());
    return [last, button(".ranges", "Last " + last, act)];
  });
  const all = button(".ranges", "All", () => show(0, Infinity));
  const zero = button(".ranges", "Axes from 0", () => ((view.fromZero = !view.fromZero), refresh()));
  filters.get("runtime").parentElement.hidden = !hasLibrary;
  form.querySelector(".ranges").hidden = !hasLibrary;

  const tellFilters = () => {
    const { timeline } = view;
    for (const key of Object.keys(TIMELINE_KEYS)) filters.get(key).value = timeline[key];
    const runtimes = timeline.runtimes.map((text, value) => ({ value, text }));
    fill(filters.get("runtime"), [{ value: -1, text: "all" }, ...runtimes], view.runtime);
    for (const [last, made] of lasts) {
      made.disabled = last >= view.kept.length;
      pressed(made, view.last === last);
    }
    pressed(all, view.low === 0 && view.high === view.kept.length - 1);
    pressed(zero, view.fromZero);
    const group = form.querySelector(".figures");
    if (group.dataset.timeline !== timeline.id) {
      group.dataset.timeline = timeline.id;
      group.replaceChildren();
      for (const metric of timeline.metrics) {
        const made = button(".figures", metric.title, () => {
          if (!view.shown.delete(metric.name)) view.shown.add(metric.name);
          if (!view.shown.size) view.timeline.metrics.forEach((it) => view.shown.add(it.name));
          refresh();
        });
        made.dataset.name = metric.name;
      }
    }
    for (const made of group.children) pressed(made, view.shown.has(made.dataset.name));
  };

  const refresh = () => {
    arrange();
    tellFilters();
    for (const timeline of historyTimelines) sectionOf(timeline).hidden = timeline !== view.timeline;
    for (const section of figuresOf(view.timeline)) section.hidden = !view.shown.has(section.dataset.name);
    const x = view.kept.indexOf(view.cursor);
    for (const chart of charts.values()) {
      if (chart.timeline !== view.timeline || chart.section.hidden) continue;
      chart.update();
      chart.point(x);
    }
    if (hasLibrary) {
      figuresOf(view.timeline).filter(inView).slice(0, 1).forEach(draw);
      figuresOf(view.timeline).forEach((section) => seen.observe(section));
      document.documentElement.toggleAttribute("data-drawing", true);
      later(drawRest);
    }
    remember();
  };

  // Charts hold on to the view, so it stays the same object.
  const open = (next) => {
    view = Object.assign(view || {}, next);
    sectionOf(view.timeline).open = true;
    refresh();
    const x = view.kept.indexOf(view.cursor);
    for (const chart of charts.values()) if (x >= 0 && chart.timeline === view.timeline) showCard(chart, x);
  };

  const recolour = () => {
    historyChart.forget();
    for (const chart of charts.values()) chart.redraw();
  };
  addEventListener("themechange", recolour);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  // A link to a place within the page is no view.
  addEventListener("hashchange", () => location.hash.includes("=") && open(historyAddress.read(location.hash)));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  open(historyAddress.read(location.hash));
})();
