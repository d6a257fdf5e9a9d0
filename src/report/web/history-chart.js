"use strict";
// One metric's chart: what it draws, and what a reader does with it. It knows nothing of the others.
const historyChart = (() => {
  const HEIGHT = 250;
  const STRIP = 22; // room for the verdicts below the data
  const SIGN = 13; // room of one of them
  const DASHES = [[], [7, 3], [3, 2], [9, 2, 2, 2], [12, 4], [2, 3]];
  const DENSE = 600; // more points than columns: a pattern of dashes would not be seen, and takes long
  const PROMPTS = 3; // their place among the series, behind x and the band; the mean lies over them
  const ROLE = { holds: "good", warns: "warn", fails: "bad", unknown: "unknown", "not-judged": "muted" };
  const FIRST = ["fails", "warns", "unknown", "not-judged", "holds"]; // what is to be seen where signs share a place
  const HELP =
    "Left and right move from commit to commit, Page Up and Page Down by ten, Home and End to the first and the last. " +
    "Enter opens the commit, Escape shows all.";

  let colours = {};
  const colour = (role) =>
    (colours[role] = colours[role] || getComputedStyle(document.documentElement).getPropertyValue("--" + role).trim());

  const columns = (metric, figures, kept) => {
    const of = (list) => (list ? kept.map((at) => list[at]) : new Array(kept.length).fill(null));
    return [kept.map((_, x) => x), of(figures.low), of(figures.high), ...figures.prompts.map(of), of(figures.mean)];
  };

  // Marks differ without their colours.
  const sign = (pen, mark, x, y, size) => {
    pen.strokeStyle = pen.fillStyle = colour(ROLE[mark]);
    pen.lineWidth = size / 2.5;
    pen.beginPath();
    if (mark === "holds") pen.arc(x, y, size - 0.5, 0, 7);
    else if (mark === "warns") pen.moveTo(x, y - size), pen.lineTo(x + size, y + size), pen.lineTo(x - size, y + size);
    else if (mark === "fails") {
      pen.moveTo(x - size, y - size), pen.lineTo(x + size, y + size);
      pen.moveTo(x - size, y + size), pen.lineTo(x + size, y - size);
    } else if (mark === "unknown") {
      pen.moveTo(x, y - size), pen.lineTo(x + size, y), pen.lineTo(x, y + size), pen.lineTo(x - size, y), pen.closePath();
    } else pen.moveTo(x - size, y), pen.lineTo(x + size, y);
    if (mark === "holds" || mark === "warns") pen.fill();
    else pen.stroke();
  };

  const upright = (u, x, role, dashes) => {
    const { ctx: pen, bbox } = u;
    pen.strokeStyle = colour(role);
    pen.lineWidth = devicePixelRatio;
    pen.setLineDash(dashes.map((dash) => dash * devicePixelRatio));
    pen.beginPath();
    pen.moveTo(x, bbox.top - 4 * devicePixelRatio);
    pen.lineTo(x, bbox.top + bbox.height);
    pen.stroke();
    pen.setLineDash([]);
  };

  // Words in a lane; those without room are left out, for the list below the chart has them. What comes first has the choice.
  const lane = (u, y) => {
    const taken = [];
    return (x, role, words) => {
      const width = u.ctx.measureText(words).width;
      const left = Math.min(x, u.bbox.left + u.bbox.width - width);
      const right = left + width + 8 * devicePixelRatio;
      if (taken.some(([from, to]) => left < to && from < right)) return;
      taken.push([left, right]);
      u.ctx.fillStyle = colour(role);
      u.ctx.textAlign = "left";
      u.ctx.fillText(words, left, y);
    };
  };

  const references = (u, metric) => {
    const { ctx: pen, bbox } = u;
    for (const reference of metric.references) {
      const y = u.valToPos(reference.figure, "y", true);
      if (y < bbox.top || y > bbox.top + bbox.height) continue;
      pen.strokeStyle = colour("reference");
      pen.lineWidth = 1.5 * devicePixelRatio;
      pen.setLineDash([10 * devicePixelRatio, 5 * devicePixelRatio]);
      pen.beginPath();
      pen.moveTo(bbox.left, y);
      pen.lineTo(bbox.left + bbox.width, y);
      pen.stroke();
      pen.setLineDash([]);
      const words = "published, " + reference.label + " " + reference.reported;
      const width = pen.measureText(words).width;
      const above = y - 14 * devicePixelRatio > bbox.top;
      const middle = y + (above ? -9 : 9) * devicePixelRatio;
      pen.globalAlpha = 0.8;
      pen.fillStyle = colour("paper");
      pen.fillRect(bbox.left + 2, middle - 7 * devicePixelRatio, width + 8 * devicePixelRatio, 14 * devicePixelRatio);
      pen.globalAlpha = 1;
      pen.fillStyle = colour("reference");
      pen.textAlign = "left";
      pen.fillText(words, bbox.left + 5 * devicePixelRatio, middle);
    }
  };

  const boundaries = (u, { timeline, metric, kept, view }) => {
    const y = (row) => u.bbox.top - (10 + row * 14) * devicePixelRatio;
    const [epochs, changes] = [lane(u, y(1)), lane(u, y(0))];
    const placed = (at) => {
      const x = kept.findIndex((place) => place >= at);
      return x >= 0 && x >= view.low && x <= view.high ? x : -1;
    };
    timeline.epochs.forEach((epoch, number) => {
      const x = placed(epoch.at);
      if (x < 0) return;
      const place = u.valToPos(x - 0.5, "x", true);
      upright(u, Math.max(place, u.bbox.left), "epoch", [4, 4]);
      epochs(place, "muted", "epoch " + (number + 2));
    });
    for (const change of [...metric.changes].sort((one, other) => other.worse - one.worse)) {
      const x = placed(change.at);
      if (x < 0 || kept[x] !== change.at) continue;
      const role = change.worse ? "bad" : "good";
      const place = u.valToPos(x, "x", true);
      upright(u, place, role, []);
      changes(place, role, (change.percent > 0 ? "\u25b2 +" : "\u25bc ") + change.percent.toFixed(2) + " %");
    }
  };

  const verdicts = (u, { timeline, kept, view }) => {
    const room = SIGN * devicePixelRatio;
    const places = new Map();
    for (let x = Math.max(0, view.low); x <= view.high; x += 1) {
      const standing = timeline.standing(kept[x]);
      if (!standing) continue;
      const place = u.valToPos(x, "x", true);
      const bucket = Math.round(place / room);
      const before = places.get(bucket);
      if (!before || FIRST.indexOf(standing.class) < FIRST.indexOf(before.mark)) {
        places.set(bucket, { mark: standing.class, place: Math.min(bucket * room, u.bbox.left + u.bbox.width) });
      }
    }
    const y = u.bbox.top + u.bbox.height + (STRIP / 2 + 2) * devicePixelRatio;
    for (const { mark, place } of places.values()) sign(u.ctx, mark, place, y, 4 * devicePixelRatio);
  };

  const overlay = (u, chart) => {
    u.ctx.save();
    u.ctx.font = 11.5 * devicePixelRatio + "px system-ui, sans-serif";
    u.ctx.textBaseline = "middle";
    references(u, chart.metric);
    boundaries(u, chart);
    verdicts(u, chart);
    u.ctx.restore();
  };

  // A value between two commits without one is on no line: it gets a point.
  const isolated = (u, series) => {
    const values = u.data[series];
    const has = (at) => values[at] !== null && values[at] !== undefined;
    return values.flatMap((_, at) => (has(at) && !has(at - 1) && !has(at + 1) ? [at] : []));
  };

  const legend = ({ metric, timeline }, hasBand) => {
    const list = historyElement("ul", { className: "legend" });
    const add = (kind, words) =>
      list.append(historyElement("li", {}, historyElement("i", { className: "key " + kind }), words));
    add("mean", metric.prompts.length ? "mean of the prompts" : "each run");
    if (hasBand) add("band", "95 % interval");
    metric.prompts.slice(0, DASHES.length).forEach((prompt, place) => add("prompt-" + (place + 1), prompt.id));
    if (metric.references.length) add("reference", "published");
    if (timeline.epochs.length) add("epoch", "a new epoch begins");
    for (const mark of FIRST) {
      const words = timeline.words.filter((word) => word.class === mark).map((word) => word.word);
      if (words.length) add("sign " + mark, words.join(", "));
    }
    return list;
  };

  const options = (chart, width, acts) => {
    const line = (role, width, dash) => {
      const points = { show: true, size: 2 * width + 3, width: 0, fill: () => colour(role), filter: isolated };
      return { stroke: () => colour(role), width, dash, points };
    };
    const edge = { width: 0, points: { show: false } };
    const axis = { stroke: () => colour("muted"), grid: { stroke: () => colour("grid"), width: 1 }, ticks: { show: false } };
    const prompts = chart.metric.prompts.map((_, place) => line("prompt-" + ((place % DASHES.length) + 1), 1.25));
    const range = (_, low, high) => {
      if (low === null || !Number.isFinite(low)) return [0, 1];
      for (const { figure } of chart.metric.references) [low, high] = [Math.min(low, figure), Math.max(high, figure)];
      const spare = (high - low) * 0.06 || Math.abs(high) * 0.05 || 1;
      if (chart.view.fromZero) return [Math.min(0, low), high + spare];
      return [low >= 0 ? Math.max(0, low - spare) : low - spare, high + spare];
    };
    return {
      width,
      height: HEIGHT,
      padding: [34, 14, 0, 0],
      legend: { show: false },
      scales: { x: { time: false, range: () => [chart.view.low - 0.5, chart.view.high + 0.5] }, y: { range } },
      series: [{}, edge, edge, ...prompts, line("mean", 2.5)],
      bands: [{ series: [2, 1], fill: () => colour("band") }],
      axes: [
        {
          ...axis,
          grid: { show: false },
          space: 96,
          size: 30 + STRIP,
          gap: STRIP,
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000],
          values: (_, places) => places.map((x) => (x in chart.kept ? chart.timeline.label(chart.kept[x]) : "")),
        },
        {
          ...axis,
          size: 60,
          space: 36,
          values: (_, places, axis, space, step) =>
            places.map((y) => y.toFixed(Math.min(6, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9))))),
        },
      ],
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false, dist: 5 },
        points: { size: (_, at) => (at < PROMPTS ? 0 : at < PROMPTS + prompts.length ? 6 : 9), width: 0 },
        bind: { dblclick: () => () => acts.showAll() },
      },
      hooks: {
        draw: [(u) => overlay(u, chart)],
        setSelect: [
          (u) => {
            if (u.select.width < 5) return;
            const [low, high] = [u.select.left, u.select.left + u.select.width].map((x) => Math.round(u.posToVal(x, "x")));
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            acts.zoomed(low, high);
          },
        ],
      },
    };
  };

  const open = (section, timeline, metric, view, acts) => {
    const figures = timeline.figuresOf(metric.name);
    const note = historyElement("p", { className: "axis small" });
    const host = historyElement("div", { className: "live", tabIndex: 0 });
    const card = historyElement("p", { className: "card", textContent: "Point at the chart, or focus it and use the arrow keys." });
    host.setAttribute("role", "application");
    host.setAttribute("aria-roledescription", "chart");
    card.setAttribute("role", "status");
    card.setAttribute("aria-live", "polite");
    const drawn = section.querySelector(".drawn");
    const chart = { section, host, card, timeline, metric, view, kept: view.kept };
    drawn.before(note, legend(chart, figures.low !== null), host, card);

    const show = () => {
      const zero = chart.plot.scales.y.min === 0;
      const words = (zero ? "The axis starts at 0." : "The axis does not start at 0.") + " Left to right: oldest to newest commit.";
      if (note.textContent !== words) note.textContent = words;
      const last = chart.kept.findLast((at) => figures.mean[at] !== null);
      const newest = last === undefined ? "" : ` Newest: ${historyNumber(figures.mean[last])} ${metric.unit}.`;
      const shown = `${view.high - view.low + 1} of ${timeline.count} commits shown.`;
      const summary = `${metric.title}, ${metric.unit}, ${metric.better} is better. ${shown}${newest} ${words} ${HELP}`;
      if (host.getAttribute("aria-label") !== summary) host.setAttribute("aria-label", summary);
    };
    const patterns = () => {
      const isDense = view.high - view.low > DENSE;
      metric.prompts.forEach((_, place) => {
        const line = chart.plot.series[PROMPTS + place];
        line.dash = isDense ? [] : DASHES[place % DASHES.length];
        line.width = isDense ? 0.5 : 1.25;
        line.alpha = isDense ? 0.5 : 1;
      });
    };

    chart.figures = figures;
    chart.plot = new uPlot(options(chart, host.clientWidth, acts), columns(metric, figures, chart.kept), host);
    patterns();
    chart.plot.root.ariaHidden = "true";
    // Only a pointer chooses another commit: the library's own word on its cursor comes after each zoom, too.
    chart.plot.over.addEventListener("mousemove", () => {
      const { idx } = chart.plot.cursor;
      if (idx !== null && idx !== undefined) acts.moved(chart, idx);
    });
    chart.point = (x) => {
      const isShown = x >= view.low && x <= view.high;
      chart.plot.setCursor(isShown ? { left: chart.plot.valToPos(x, "x"), top: 20 } : { left: -10, top: -10 });
    };
    // In one go, so that what is read from the plot afterwards is of the new view.
    chart.update = () => {
      patterns();
      chart.plot.batch(() => {
        if (chart.kept !== view.kept) {
          chart.kept = view.kept;
          chart.plot.setData(columns(metric, figures, chart.kept), false);
        }
        chart.plot.setScale("x", { min: view.low - 0.5, max: view.high + 0.5 });
      });
      show();
    };
    chart.redraw = () => chart.plot.redraw(false, true);
    new ResizeObserver(() => {
      const width = host.clientWidth;
      if (width > 0 && width !== chart.plot.width) chart.plot.setSize({ width, height: HEIGHT });
    }).observe(host);
    section.classList.add("is-live");
    return chart;
  };

  return { open, forget: () => (colours = {}) };
})();
