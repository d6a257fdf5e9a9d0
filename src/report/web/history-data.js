"use strict";
// What the page knows of each timeline.
const historyTimelines = (() => {
  const block = document.getElementById("data");
  const timelines = block ? JSON.parse(block.textContent).timelines : [];

  // A column of values, and the ends of its interval where it has one.
  const columns = (metric) => {
    const around = (sign) =>
      metric.half ? metric.half.map((half, at) => (half === null ? null : metric.mean[at] * Math.exp(sign * half))) : null;
    return {
      mean: metric.mean,
      low: around(-1),
      high: around(1),
      prompts: metric.prompts.map((prompt) => prompt.figures),
    };
  };

  const once = (make) => {
    let made;
    return () => (made = made || make());
  };

  return timelines.map((timeline) => {
    // Commits of one day are distinguished by their sha.
    const isOneDay = new Set(timeline.days).size === 1;
    const figures = new Map(timeline.metrics.map((metric) => [metric.name, once(() => columns(metric))]));
    return {
      ...timeline,
      count: timeline.shas.length,
      figuresOf: (name) => figures.get(name)(),
      sha: (at) => timeline.shas[at] || "",
      placeOf: (sha) => (sha ? timeline.shas.indexOf(sha) : -1),
      day: (at) => timeline.days[at],
      label: (at) => (isOneDay ? timeline.shas[at] : timeline.days[at]),
      standing: (at) => timeline.words[timeline.standings.charCodeAt(at) - 97],
      // The first one has no start of its own.
      epoch: (at) => 1 + timeline.epochs.filter((epoch) => epoch.at <= at).length,
      epochText: (at) => (timeline.epochs.find((epoch) => epoch.at === at) || {}).text,
      runtime: (at) => (timeline.runtime_starts.findLast((start) => start.at <= at) || {}).runtime,
    };
  });
})();

// A value with four digits that count, as the rest of the page writes it.
const historyNumber = (figure) => {
  const exponent = Number(figure.toExponential(3).split("e")[1]);
  return figure.toFixed(Math.max(0, 3 - exponent));
};

// An element with its text or children; nothing of a record is ever taken for markup.
const historyElement = (name, properties, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

// The view, as it stands in the address: whatever does not fit what the page knows is left out.
const historyAddress = {
  read(hash) {
    const said = new URLSearchParams(hash.slice(1));
    const timeline = historyTimelines.find((it) => it.id === said.get("t")) || historyTimelines[0];
    const place = (key) => timeline.placeOf(said.get(key) || "");
    const last = Number(said.get("last"));
    const names = timeline.metrics.map((metric) => metric.name);
    const shown = (said.get("show") || "").split(",").filter((name) => names.includes(name));
    return {
      timeline,
      runtime: timeline.runtimes.indexOf(said.get("runtime")),
      from: place("from"),
      to: place("to"),
      last: [30, 90, 365].includes(last) ? last : 0,
      shown: new Set(shown.length ? shown : names),
      cursor: place("at"),
      fromZero: said.get("zero") === "1",
    };
  },
  write(view) {
    const { timeline } = view;
    const said = new URLSearchParams();
    said.set("t", timeline.id);
    if (view.runtime >= 0) said.set("runtime", timeline.runtimes[view.runtime]);
    if (view.last) said.set("last", view.last);
    else if (view.from >= 0 && view.to >= 0) {
      said.set("from", timeline.sha(view.from));
      said.set("to", timeline.sha(view.to));
    }
    if (view.shown.size < timeline.metrics.length) said.set("show", [...view.shown].join(","));
    if (view.cursor >= 0) said.set("at", timeline.sha(view.cursor));
    if (view.fromZero) said.set("zero", "1");
    return "#" + said;
  },
};
