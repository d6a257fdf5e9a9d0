"use strict";
// Two of the newest runs beside each other. What differs comes first; the data says whether two runs are comparable,
// and of different things there is no difference of values.
(() => {
  const place = document.getElementById("data");
  const form = document.querySelector(".pair");
  const result = document.querySelector(".result");
  if (!place || !form || !result) return;
  const data = JSON.parse(place.textContent);
  const runs = new Map(data.runs.map((run) => [run.id, run]));
  const [chooseA, chooseB] = ["a", "b"].map((name) => form.elements.namedItem(name));
  const missing = document.querySelector(".missing");
  const ID = /^[0-9A-Za-z-]{1,64}$/;
  const NOTHING = "-";

  const element = (name, attributes, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  const part = (name) => result.querySelector(name);

  // A table that scrolls where it is too wide, as all tables of the pages do.
  const table = (label, head, body) =>
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
      element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body)));

  const differenceTable = (found) => {
    const head = ["Differs", "A", "B", "Affects"].map((title) => element("th", { scope: "col" }, title));
    const body = found.map((row) => element("tr", {}, element("th", { scope: "row" }, row.what),
      ...[row.a, row.b, row.breaks].map((cell) => element("td", {}, cell))));
    return table("Differing dimensions", head, body);
  };

  // All that differs, what weighs most first.
  const differences = (a, b) => {
    const [one, other] = [data.settings[a.setting], data.settings[b.setting]];
    const shown = (at, absent) => (at === null ? absent : data.values[at]);
    const found = [];
    data.parts.forEach((part, at) => {
      const [left, right] = [one.values[at], other.values[at]];
      if (left === right) return;
      found.push({ ...part, a: shown(left, part.absent), b: shown(right, part.absent) });
    });
    return found;
  };

  // Of the commit nobody is surprised, so it says nothing about the comparability.
  const comparability = (a, b) => {
    if (a.setting === b.setting) return data.words.same;
    const [one, other] = [data.settings[a.setting], data.settings[b.setting]];
    return one.identity === other.identity ? data.words.environment_differs : data.words.unlike;
  };

  // In percent: two decimals, from ten percent on one, and no sign where it rounds to nothing.
  const percent = (ratio) => {
    const change = (ratio - 1) * 100;
    const text = change.toFixed(Math.abs(change) < 9.995 ? 2 : 1);
    if (!/[1-9]/.test(text)) return "0.00 %";
    return (change > 0 ? "+" : "") + text + " %";
  };

  // The table of values, small enough for a narrow window: what all rows of a metric share stands above them.
  const valueTable = (a, b, isCompared) => {
    const titles = ["Prompt", "A", "B", ...(isCompared ? ["Change"] : [])];
    const head = titles.map((title, at) => element("th", { scope: "col", ...(at && { class: "number" }) }, title));
    const rows = valueRows(a, b, isCompared);
    const body = rows.flatMap((row, at) => {
      const { metric, title, unit, better, prompt } = row;
      const cells = [row.a, row.b, ...(isCompared ? [row.change] : [])];
      const own = element("tr", {}, element("td", {}, prompt || "whole run"), ...cells.map((cell) => element("td", { class: "number" }, cell)));
      if (at && rows[at - 1].title === title) return [own];
      const shared = element("th", { colspan: titles.length, scope: "colgroup" },
        element("a", { href: "method.html#" + metric }, title), ` ${unit}, ${better} is better`);
      return [element("tr", { class: "shared" }, shared), own];
    });
    return table("Figures of both", head, body);
  };

  const valueRows = (a, b, isCompared) => {
    const of = (run) => new Map(run.figures.rows.map((row, at) => [row, { reported: run.figures.reported[at], figure: run.figures.figures[at] }]));
    const [ofA, ofB] = [of(a), of(b)];
    const isInvalid = a.is_invalid || b.is_invalid;
    return data.rows.flatMap((row, at) => {
      const [left, right] = [ofA.get(at), ofB.get(at)];
      if (!left && !right) return [];
      const changes = isCompared && left && right && !(row.is_time && isInvalid);
      const shown = (side) => (side ? side.reported : NOTHING);
      return [{ ...row, a: shown(left), b: shown(right), change: changes ? percent(right.figure / left.figure) : NOTHING }];
    });
  };

  const side = (letter, run) => {
    const { model, device, openvino, machine } = data.settings[run.setting];
    const commit = run.commit ? element("a", { class: "sha", href: run.commit.href }, run.commit_reported) : run.commit_reported;
    const lines = [commit, `${model} on ${device}, OpenVINO ${openvino}`, `${machine}, ${run.when_utc}`];
    return element("div", { class: "fact" },
      element("dt", {}, `${letter}: run `, element("span", { class: "sha" }, run.id)),
      element("dd", {}, run.speed),
      element("dd", { class: "small" }, ...lines.flatMap((line) => [line, element("br", {})]).slice(0, -1)));
  };

  // What makes two things of them, each once.
  const unlikeReason = (found) => {
    const kinds = [...new Set(found.filter((it) => it.is_identity).map((it) => it.breaks))];
    const last = kinds.pop();
    return kinds.length ? `${kinds.join(", ")} and ${last}` : last;
  };

  const answer = ({ badge, sentence }, differing) => [
    element("span", { class: "badge " + badge.class }, element("span", { class: "shape", "aria-hidden": "true" }, badge.glyph), " " + badge.word),
    ` ${differing ? `not the same ${differing}, ` : ""}${sentence}`,
  ];

  const show = (a, b) => {
    const found = differences(a, b);
    const words = comparability(a, b);
    const isCompared = words.is_compared;
    const all = a.commit_reported === b.commit_reported ? found
      : [...found, { what: "commit", a: a.commit_reported, b: b.commit_reported, breaks: "nothing" }];
    part(".differences").replaceChildren(all.length ? differenceTable(all) : "Nothing that this page knows differs around them.");
    part(".answer").replaceChildren(...answer(words, isCompared ? "" : unlikeReason(found)));
    const invalid = [["A", a], ["B", b]].filter(([, run]) => isCompared && run.is_invalid);
    part(".doubts").replaceChildren(...invalid.map(([letter]) =>
      element("p", { class: "note warns" }, `${letter}'s times are not compared: a guard tripped while it ran.`)));
    part(".figures").replaceChildren(valueTable(a, b, isCompared));
    part(".caption").textContent = words.caption;
    part(".sides").replaceChildren(side("A", a), side("B", b));
    part(".command").textContent = `cargo xtask compare ${a.id} ${b.id}`;
  };

  const refresh = () => {
    const [a, b] = [runs.get(chooseA.value), runs.get(chooseB.value)];
    result.hidden = !a || !b || a === b;
    const isOne = Boolean(a) && a === b;
    if (isOne) tellMissing("A and B are one run: choose another.");
    if (!result.hidden) show(a, b);
  };
  const tellMissing = (text) => {
    missing.hidden = !text;
    missing.textContent = text;
  };

  // Only a name of a run is taken from an address, and only that of one that the page has.
  const read = () => {
    const asked = new URLSearchParams(location.hash.slice(1));
    const unknown = [];
    const named = (name, otherwise) => {
      const id = asked.get(name);
      if (id === null) return otherwise;
      if (runs.has(id)) return id;
      unknown.push(ID.test(id) ? id : "what stands in the address");
      return otherwise;
    };
    chooseA.value = named("a", data.first.a);
    chooseB.value = named("b", data.first.b);
    tellMissing(unknown.length ? `Not a run of this page: ${unknown.join(", ")}. The verb compare knows every run.` : "");
    refresh();
  };
  const write = () => {
    tellMissing("");
    try {
      history.replaceState(null, "", `#a=${chooseA.value}&b=${chooseB.value}`);
    } catch {
      // A page from a disk may be refused it.
    }
    refresh();
  };

  const options = () => data.groups.map((label, group) => {
    const own = data.runs.filter((run) => data.settings[run.setting].group === group);
    return element("optgroup", { label }, ...own.map((run) => element("option", { value: run.id }, run.label)));
  });
  for (const select of [chooseA, chooseB]) {
    select.append(...options());
    select.addEventListener("change", write);
  }
  form.querySelector(".swap").addEventListener("click", () => {
    [chooseA.value, chooseB.value] = [chooseB.value, chooseA.value];
    write();
  });
  // A link to a place within the page is no choice.
  addEventListener("hashchange", () => location.hash.includes("=") && read());
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  read();
})();
