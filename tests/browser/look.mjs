// Opens pages in every combination of width, colour scheme and JavaScript, and reports every fault.
//
// The job, on stdin: { program, modules, seconds, pages, widths, schemes, javascript, screenshots, axe, tabs,
// allowed, flags }. The answer, on stdout: { browser, looks: [{ page, width, scheme, javascript, faults:
// [{ kind, text }], nodes, tabbed, milliseconds }] }. tests/it/browser/ writes the one and reads the other.

import fs from "node:fs";
import path from "node:path";

import { Watch, addressOf, answer, drawn, settle, withoutHash } from "./browser.mjs";
import * as inspect from "./inspect.mjs";

// Of the window, in pixels. Pages are laid out by their width alone.
const HEIGHT = 900;
// The worlds in which axe runs see the page and are not seen by it, and no policy of the page's holds there.
const AXE_WORLD = "axe";

await answer(async (browser, job) => {
  const axe = job.axe ? fs.readFileSync(path.join(job.modules, "axe-core/axe.min.js"), "utf8") : null;
  const looks = [];
  const tabs = new Map();
  for (const javascript of job.javascript) {
    const tab = await (await browser.newContext({ javaScriptEnabled: javascript })).newPage();
    tabs.set(javascript, { tab, watch: await Watch.over(tab, job.allowed.map(addressOf)) });
  }
  for (const page of job.pages) {
    for (const [javascript, { tab, watch }] of tabs) {
      for (const width of job.widths) {
        let tabbed;
        for (const scheme of job.schemes) {
          const from = performance.now();
          const seen = await look(tab, watch, { ...job, page, width, scheme, javascript, tabbed }, axe);
          tabbed = seen.tabbed; // colours move no focus, so each later scheme takes it over
          await leave(tab); // what a page does late is still reported for this one
          const milliseconds = performance.now() - from;
          looks.push({ page, width, scheme, javascript, faults: watch.take(), ...seen, milliseconds });
        }
      }
    }
  }
  return { looks };
});

/** One combination. Returns the nodes of the page, and how many elements Tab reached. */
async function look(tab, watch, job, axe) {
  const address = addressOf(job.page);
  watch.documents = new Set([withoutHash(address)]);
  await tab.setViewportSize({ width: job.width, height: HEIGHT });
  await tab.emulateMedia({ colorScheme: job.scheme });
  try {
    await tab.goto(address, { waitUntil: "load", timeout: 30_000 });
  } catch (error) {
    watch.add("load", String(error.message).split("\n")[0]);
    return { nodes: {}, tabbed: 0 };
  }
  await settle();
  try {
    await drawn(tab);
    const nodes = await tab.evaluate(inspect.nodes);
    await layout(tab, watch, job);
    if (job.screenshots) await screenshot(tab, job);
    if (axe && job.javascript && isForAxe(job)) await accessibility(watch, axe);
    const tabbed = job.tabbed ?? await keyboard(tab, watch, job.tabs);
    await settle(20);
    return { nodes, tabbed };
  } catch (error) {
    if (!/context was destroyed|navigat|find context/i.test(error.message)) throw error;
    watch.add("navigation", `the page went elsewhere while it was looked at: ${error.message}`);
    return { nodes: {}, tabbed: 0 };
  }
}

/**
 * Whether axe has its turn, which takes longer than all else: in every colour scheme at the greatest width, and once at
 * the smallest.
 */
function isForAxe({ width, widths, scheme, schemes }) {
  return width === Math.max(...widths) || (width === Math.min(...widths) && scheme === schemes[0]);
}

/** A page that goes elsewhere at this moment interrupts, and then is left from there. */
async function leave(tab) {
  for (let more = 5; ; more -= 1) {
    try {
      return await tab.goto("about:blank");
    } catch (error) {
      if (more === 0) throw error;
      await settle(50);
    }
  }
}

async function layout(tab, watch, job) {
  for (const text of await tab.evaluate(inspect.overflow)) watch.add("overflow", text);
  const { overlap, outside } = await tab.evaluate(inspect.chartTexts);
  for (const text of overlap) watch.add("overlap", text);
  for (const text of outside) watch.add("outside", text);
  for (const text of await tab.evaluate(inspect.cutOff)) watch.add("cut", text);
  for (const text of await tab.evaluate(inspect.ran, job.flags)) watch.add("ran", text);
  for (const text of await tab.evaluate(inspect.handlers)) watch.add("handler", text);
}

/** Named by page and combination, so that two runs can be laid side by side. */
async function screenshot(tab, job) {
  const stem = withoutHash(job.page).replace(/^.*\//, "").replace(/\.html$/, "") || "page";
  const name = `${stem}-${job.width}-${job.scheme}-${job.javascript ? "script" : "plain"}.png`;
  await tab.screenshot({ path: path.join(job.screenshots, name), fullPage: true });
}

/** What axe finds serious or critical. */
async function accessibility(watch, axe) {
  const { session } = watch;
  const { frameTree } = await session.send("Page.getFrameTree");
  const frameId = frameTree.frame.id;
  const world = await session.send("Page.createIsolatedWorld", { frameId, worldName: AXE_WORLD });
  const contextId = world.executionContextId;
  await session.send("Runtime.evaluate", { expression: `${axe};0`, contextId });
  // What it would fetch beforehand is a request of its own, not of the page's.
  const expression = `axe.run(document, { preload: false, resultTypes: ["violations"] })
    .then(({ violations }) => violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, help, nodes }) => id + ": " + help + ": " + nodes.slice(0, 3).map((it) => it.html.slice(0, 150)
      + " (" + (it.any[0]?.message ?? it.all[0]?.message ?? it.none[0]?.message ?? "") + ")").join(", ")
      + " and in all " + nodes.length))`;
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
    expression, contextId, awaitPromise: true, returnByValue: true,
  });
  const found = exceptionDetails ? [`axe failed: ${exceptionDetails.exception?.description}`] : result.value;
  for (const text of found) watch.add("axe", text);
}

/** Presses Tab until it comes round, or `most` times, and returns what it should have reached and has not. */
async function keyboard(tab, watch, most) {
  const reached = await tab.evaluateHandle(() => []);
  const wanted = await tab.evaluateHandle(inspect.focusable);
  let tabbed = 0;
  for (let nowhere = 0; tabbed < most && nowhere < 2;) {
    await tab.keyboard.press("Tab");
    const came = await tab.evaluate(inspect.reach, reached);
    if (came === "again") break;
    if (came === "new") tabbed += 1;
    else nowhere += 1; // past the last element, where the browser's own window has its turn
  }
  if (tabbed < most) {
    for (const text of await tab.evaluate(inspect.unreached, { wanted, reached })) watch.add("unreached", text);
  }
  return tabbed;
}
