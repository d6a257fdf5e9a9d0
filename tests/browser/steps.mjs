// The steps of act.mjs: each gets the page with all around it, and what the job says of the step.

import { addressOf, settle, withoutHash } from "./browser.mjs";
import { firstChart, moved, watchMove } from "./timing.mjs";

export const STEPS = {
  /** { page }: opens it; another hash alone is a move within the page, as it is for a user. */
  async goto({ tab, watch }, { page }) {
    const address = addressOf(page);
    watch.documents.add(withoutHash(address));
    await tab.goto(address, { waitUntil: "load" });
  },

  /** { page }: a document that a click may lead to. */
  allow({ watch }, { page }) {
    watch.documents.add(withoutHash(addressOf(page)));
  },

  async reload({ tab }) {
    await tab.reload({ waitUntil: "load" });
  },

  async back({ tab }) {
    await tab.goBack({ waitUntil: "load" });
  },

  /** { width, height? } */
  async resize({ tab }, { width, height }) {
    await tab.setViewportSize({ width, height: height ?? tab.viewportSize().height });
  },

  /** { scheme?, media?, motion? }: what the user prefers, and whether it is printed. */
  async prefer({ tab }, { scheme, media, motion }) {
    await tab.emulateMedia({ colorScheme: scheme, media, reducedMotion: motion });
  },

  /** { selector, x, y }: a place as shares of the element's box. Returns { work_ms, frame_ms } of the last move. */
  async hover({ tab }, { selector, x = 0.5, y = 0.5 }) {
    const place = await placeIn(tab, selector, x, y);
    await tab.mouse.move(place.x - 1, place.y); // so that it comes from somewhere
    return timedMove(tab, place);
  },

  /** { selector, from, to, y, count }: as many moves in a row. Returns the list of their times. */
  async sweep({ tab }, { selector, from = 0.1, to = 0.9, y = 0.5, count = 20 }) {
    const times = [];
    for (let at = 0; at < count; at += 1) {
      const x = from + ((to - from) * at) / Math.max(1, count - 1);
      times.push(await timedMove(tab, await placeIn(tab, selector, x, y)));
    }
    return times;
  },

  /** { selector, from, to, y }: with the button held, in ten moves. */
  async drag({ tab }, { selector, from, to, y = 0.5 }) {
    const start = await placeIn(tab, selector, from, y);
    const end = await placeIn(tab, selector, to, y);
    await tab.mouse.move(start.x, start.y);
    await tab.mouse.down();
    await tab.mouse.move(end.x, end.y, { steps: 10 });
    await tab.mouse.up();
    await settle(50);
  },

  /** { selector, x?, y? }: in the middle, unless it says where. */
  async click({ tab }, { selector, x = 0.5, y = 0.5 }) {
    const place = await placeIn(tab, selector, x, y);
    await tab.mouse.click(place.x, place.y);
    await settle(50);
  },

  /** The same twice. */
  async dblclick({ tab }, { selector, x = 0.5, y = 0.5 }) {
    const place = await placeIn(tab, selector, x, y);
    await tab.mouse.dblclick(place.x, place.y);
    await settle(50);
  },

  async focus({ tab }, { selector }) {
    await tab.focus(selector);
  },

  /** { key, times }: as Playwright names keys: Tab, Shift+Tab, ArrowRight, Home, Enter, a. */
  async press({ tab }, { key, times = 1 }) {
    for (let at = 0; at < times; at += 1) await tab.keyboard.press(key);
    await settle(20);
  },

  /** { selector, value }: of a list to choose from. */
  async choose({ tab }, { selector, value }) {
    await tab.selectOption(selector, value);
    await settle(50);
  },

  /** { selector, text }: into a field. */
  async fill({ tab }, { selector, text }) {
    await tab.fill(selector, text);
    await settle(50);
  },

  /** { expression }: its value, which JSON must be able to hold. */
  evaluate({ tab }, { expression }) {
    return tab.evaluate(expression);
  },

  /** { expression, seconds }: until it is true, and its value. The page may go elsewhere meanwhile. */
  async wait({ tab }, { expression, seconds = 5 }) {
    const until = performance.now() + seconds * 1000;
    for (;;) {
      const value = await tab.evaluate(expression).catch((error) => {
        if (!/context was destroyed|navigat/i.test(error.message)) throw error;
      });
      if (value) return value;
      if (performance.now() > until) throw new Error(`not true after ${seconds} s`);
      await settle(20);
    }
  },

  async address({ tab }) {
    return tab.url();
  },

  /** { seconds }: milliseconds from the start of the navigation to the mark `first-chart`. */
  async first_chart({ tab }, { seconds = 10 }) {
    return STEPS.wait({ tab }, { expression: `(${firstChart})()`, seconds });
  },

  /** { path, selector? }: of the whole page, or of one element. */
  async screenshot({ tab }, { path, selector }) {
    if (selector) await tab.locator(selector).first().screenshot({ path });
    else await tab.screenshot({ path, fullPage: true });
  },
};

/** A place in the window. The element is scrolled there first, as a user would. */
async function placeIn(tab, selector, x, y) {
  const element = tab.locator(selector).first();
  await element.scrollIntoViewIfNeeded({ timeout: 5000 });
  const box = await element.boundingBox();
  if (!box) throw new Error(`\`${selector}\` is not to be seen`);
  return { x: box.x + box.width * x, y: box.y + box.height * y };
}

/** Moves the mouse there, and returns what the page did for it. */
async function timedMove(tab, { x, y }) {
  await tab.evaluate(watchMove);
  await tab.mouse.move(x, y);
  return tab.evaluate(moved);
}
