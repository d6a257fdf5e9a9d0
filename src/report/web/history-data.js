"use strict";
// What the page knows of each timeline, unpacked when it is first asked for.
const historyTimelines = (() => {
  const block = document.getElementById("data");
  const timelines = block ? JSON.parse(block.textContent).timelines : [];

  // Numbers are told in letters: digits of this base, the lowest first, all but the last of a number from the second
  // half of the letters. 0 is no number; others are told by their size and sign, as the difference to the last.
  const LETTERS = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)).filter((it) => !'"&<>\\'.includes(it));
  const BASE = LETTERS.length / 2;
  const DIGITS = new Map(LETTERS.map((letter, digit) => [letter, digit]));
  // The twelve digits of a commit, in letters of twice the base; 0 is none.
  const SHA = 8;
  const digitsOf = (letters) => {
    const number = [...letters].reduceRight((number, letter) => number * 2 * BASE + DIGITS.get(letter), 0);
    return number ? number.toString(16).padStart(12, "0") : "";
  };
  const lettersOf = (digits) => {
    let rest = parseInt(digits, 16);
    return Array.from({ length: SHA }, () => {
      const letter = LETTERS[rest % (2 * BASE)];
      rest = Math.floor(rest / (2 * BASE));
      return letter;
    }).join("");
  };
  const sums = (told) => {
    const numbers = [];
    let [last, value, weight] = [0, 0, 1];
    for (const letter of told) {
      const digit = DIGITS.get(letter);
      value += (digit % BASE) * weight;
      weight *= BASE;
      if (digit >= BASE) continue;
      last += value % 2 ? -(value - 1) / 2 : value / 2;
      numbers.push(value ? last : null);
      [value, weight] = [0, 1];
    }
    return numbers;
  };

  // Speeds are told as differences to what the pace says, all else of prompts as differences to the mean.
  const unpackWhole = (metric, pace) => {
    const expected = (pace) => Math.floor(metric.product / pace + 0.5);
    const beside = (column, paces) =>
      sums(column).map((difference, at) => (difference === null ? null : expected(paces[at]) + difference));
    if (metric.product !== undefined) {
      const prompts = metric.prompts.map((prompt, place) => beside(prompt.figures, pace.prompts[place]));
      return { mean: beside(metric.mean, pace.mean), prompts };
    }
    const mean = sums(metric.mean);
    const rest = new Array(mean.length).fill(0);
    const prompts = metric.prompts.map((prompt, place) => {
      const isLast = place === metric.prompts.length - 1;
      return sums(prompt.figures).map((packed, at) => {
        if (packed === null) return null;
        // Of the last one, the sum of all differences is told.
        const difference = isLast ? packed - rest[at] : packed;
        rest[at] += difference;
        return mean[at] + difference;
      });
    });
    return { mean, prompts };
  };

  const unpackMetric = (metric, whole) => {
    const unit = 10 ** metric.decimals;
    const figures = (column) => column.map((number) => (number === null ? null : number / unit));
    const half = metric.half && sums(metric.half);
    const around = (sign) =>
      half ? half.map((half, at) => (half === null ? null : (whole.mean[at] + sign * half) / unit)) : null;
    return { mean: figures(whole.mean), low: around(-1), high: around(1), prompts: whole.prompts.map(figures) };
  };

  const once = (make) => {
    let made;
    return () => (made = made || make());
  };

  return timelines.map((packed) => {
    const count = packed.shas.length / SHA;
    const days = once(() => sums(packed.days));
    const pace = once(() => unpackWhole(packed.metrics.find((metric) => metric.name === "tpot")));
    const unpacked = (metric) =>
      unpackMetric(metric, metric.name === "tpot" ? pace() : unpackWhole(metric, metric.product === undefined ? null : pace()));
    const figures = new Map(packed.metrics.map((metric) => [metric.name, once(() => unpacked(metric))]));
    return {
      ...packed,
      count,
      figuresOf: (name) => figures.get(name)(),
      sha: (at) => digitsOf(packed.shas.slice(SHA * at, SHA * at + SHA)),
      placeOf: (sha) => {
        if (!/^[0-9a-f]{12}$/.test(sha)) return -1;
        const letters = lettersOf(sha);
        let at = packed.shas.indexOf(letters);
        while (at > 0 && at % SHA) at = packed.shas.indexOf(letters, at + 1);
        return at < 0 ? -1 : at / SHA;
      },
      day: (at) => (days()[at] === null ? "" : new Date(days()[at] * 864e5).toISOString().slice(0, 10)),
      standing: (at) => packed.words[packed.standings.charCodeAt(at) - 97],
      // The first one has no start of its own.
      epoch: (at) => 1 + packed.epochs.filter((epoch) => epoch.at <= at).length,
      epochText: (at) => (packed.epochs.find((epoch) => epoch.at === at) || {}).text,
      runtime: (at) => (packed.runtime_starts.findLast((start) => start.at <= at) || {}).runtime,
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
