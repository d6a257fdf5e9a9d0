"use strict";
// What the page knows of each timeline, unpacked when it is first asked for.
const historyTimelines = (() => {
  const block = document.getElementById("data");
  const timelines = block ? JSON.parse(block.textContent).timelines : [];

  // Each number is told as its difference to the last that there was.
  const sums = (differences) => {
    let last = 0;
    return differences.map((difference) => (difference === null ? null : (last += difference)));
  };

  const unpackMetric = (metric) => {
    const unit = 10 ** metric.decimals;
    const mean = sums(metric.mean);
    const half = metric.half && sums(metric.half);
    const rest = new Array(mean.length).fill(0);
    const prompts = metric.prompts.map((prompt, place) => {
      const isLast = place === metric.prompts.length - 1;
      return sums(prompt.figures).map((packed, at) => {
        if (packed === null) return null;
        // Of the last one, the sum of all differences is told.
        const difference = isLast ? packed - rest[at] : packed;
        rest[at] += difference;
        return (mean[at] + difference) / unit;
      });
    });
    const around = (sign) =>
      half && half.map((half, at) => (half === null ? null : (mean[at] + sign * half) / unit));
    return {
      mean: mean.map((figure) => (figure === null ? null : figure / unit)),
      low: around(-1),
      high: around(1),
      prompts,
    };
  };

  const once = (make) => {
    let made;
    return () => (made = made || make());
  };

  return timelines.map((packed) => {
    const count = packed.shas.length / 12;
    const days = once(() => sums(packed.days));
    const figures = new Map(packed.metrics.map((metric) => [metric.name, once(() => unpackMetric(metric))]));
    const lastStart = (starts, at) => starts.findLastIndex((start) => start.at <= at);
    return {
      ...packed,
      count,
      figuresOf: (name) => figures.get(name)(),
      sha: (at) => packed.shas.slice(12 * at, 12 * at + 12),
      placeOf: (sha) => {
        if (!/^[0-9a-f]{12}$/.test(sha)) return -1;
        let at = packed.shas.indexOf(sha);
        while (at > 0 && at % 12) at = packed.shas.indexOf(sha, at + 1);
        return at < 0 ? -1 : at / 12;
      },
      day: (at) => (days()[at] === null ? "" : new Date(days()[at] * 864e5).toISOString().slice(0, 10)),
      standing: (at) => packed.words[packed.standings.charCodeAt(at) - 97],
      epoch: (at) => lastStart(packed.epochs, at) + 2,
      epochText: (at) => (packed.epochs.find((epoch) => epoch.at === at) || {}).text,
      runtime: (at) => (packed.runtime_starts[lastStart(packed.runtime_starts, at)] || {}).runtime,
    };
  });
})();

// A figure with four digits that count, as the rest of the page writes it.
const historyFigure = (figure) => {
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
