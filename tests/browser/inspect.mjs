// Functions that run inside a page and look at how it is laid out. Each stands alone: it is sent as text.

/** Whether the page is wider than the window, and by which elements. */
export function overflow() {
  const root = document.scrollingElement ?? document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const scrolls = (element) => element && element !== root && element !== document.body
    && (getComputedStyle(element).overflowX !== "visible" || scrolls(element.parentElement));
  const name = (element) => {
    const id = element.id ? `#${element.id}` : "";
    const classes = [...element.classList].map((it) => `.${it}`).join("");
    return element.localName + id + classes;
  };
  const wide = [...document.body.querySelectorAll("*")]
    .filter((it) => it.getBoundingClientRect().right > root.clientWidth + 1 && !scrolls(it.parentElement));
  const names = wide.slice(0, 5).map(name).join(", ");
  return [`${root.scrollWidth} px in a window of ${root.clientWidth} px: ${names}`];
}

/** Texts of charts that lie over each other, or outside of their chart. */
export function chartTexts() {
  const SLACK = 2;
  const found = { overlap: [], outside: [] };
  const isSeen = (text) => {
    const box = text.getBoundingClientRect();
    const style = getComputedStyle(text);
    return text.textContent.trim() && box.width > 0 && box.height > 0 && style.visibility === "visible"
      && style.opacity !== "0";
  };
  const say = (text) => `"${text.textContent.trim().slice(0, 60)}"`;
  const charts = [...document.querySelectorAll("svg")].filter((it) => !it.parentElement?.closest("svg"));
  for (const [at, chart] of charts.entries()) {
    const frame = chart.getBoundingClientRect();
    const name = chart.id ? `svg#${chart.id}` : `svg ${at + 1}`;
    const texts = [...chart.querySelectorAll("text")].filter(isSeen)
      .map((text) => ({ text, box: text.getBoundingClientRect() }))
      .sort((one, other) => one.box.left - other.box.left);
    for (const [at, { text, box }] of texts.entries()) {
      const out = Math.max(frame.left - box.left, box.right - frame.right,
        frame.top - box.top, box.bottom - frame.bottom);
      if (out > SLACK) found.outside.push(`${name}: ${say(text)} by ${out.toFixed(1)} px`);
      for (const other of texts.slice(at + 1)) {
        if (other.box.left > box.right - SLACK) break; // and all that follow
        const across = Math.min(box.right, other.box.right) - other.box.left;
        const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
        if (across > SLACK && down > SLACK) {
          const size = `${across.toFixed(1)} x ${down.toFixed(1)} px`;
          found.overlap.push(`${name}: ${say(text)} and ${say(other.text)} by ${size}`);
        }
      }
    }
  }
  return found;
}

/** Elements whose content is wider than they are and is neither scrolled nor shown. Dots say that they do so. */
export function cutOff() {
  const isCut = (element) => {
    const style = getComputedStyle(element);
    const isHidden = element.clientWidth <= 1 || style.clipPath !== "none" || style.visibility !== "visible";
    const saysSo = style.textOverflow === "ellipsis";
    return ["hidden", "clip"].includes(style.overflowX) && !isHidden && !saysSo
      && element.scrollWidth > element.clientWidth + 1;
  };
  return [...document.body.querySelectorAll("*:not(svg, svg *, input, select, textarea)")].filter(isCut)
    .map((it) => `${it.localName}.${it.className}: "${it.textContent.trim().slice(0, 60)}"`);
}

/** Which of these names of the page's window are set: a payload that ran sets one. */
export function ran(names) {
  return names.filter((name) => window[name] !== undefined);
}

/** Attributes that run something when they are used, which looking at a page does not do. */
export function handlers() {
  const leads = ["href", "xlink:href", "src", "action", "formaction"];
  const runs = ({ name, value }) => name.startsWith("on")
    || (leads.includes(name) && /^[\u0000-\u0020]*(j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t|vbscript|data):/i.test(value));
  const say = (element, { name, value }) => `${element.localName} ${name}="${value.slice(0, 60)}"`;
  return [...document.querySelectorAll("*")]
    .flatMap((it) => [...it.attributes].filter(runs).map((attribute) => say(it, attribute)));
}

/**
 * How many elements there are by name, and how many comments: a text that became one of them shows. What stands in
 * backticks is code, whoever wrote it.
 */
export function nodes() {
  const counts = {};
  const walker = document.createTreeWalker(document, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_COMMENT);
  while (walker.nextNode()) {
    const name = walker.currentNode.localName ?? "#comment";
    if (name !== "code") counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** What Tab should reach, but for radio buttons: of a group it reaches one. */
export function focusable() {
  const all = document.querySelectorAll(
    "a[href], area[href], button, input, select, textarea, summary, iframe, [tabindex], [contenteditable]");
  return [...all].filter((it) => it.tabIndex >= 0 && !it.disabled && it.type !== "radio"
    && it.checkVisibility({ visibilityProperty: true }) && !it.closest("[inert]"));
}

/** The element that has the focus, added to `reached`; false where Tab came back to one it has reached. */
export function reach(reached) {
  const element = document.activeElement;
  if (!element || element === document.body || element === document.documentElement) return "none";
  if (reached.includes(element)) return "again";
  reached.push(element);
  return "new";
}

/** Those of `wanted` that are not in `reached`. */
export function unreached({ wanted, reached }) {
  return wanted.filter((it) => !reached.includes(it)).map((it) => it.outerHTML.slice(0, 120));
}
