// The browser of a job, and all that a page may do in it that a report must not.

import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const FLAGS = [
  "--no-sandbox", // a build machine is a container, and the pages are ours
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // No name but that of this machine leads anywhere, whatever a page tries.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
];
// Reported once for each combination; a page that floods its console must not flood the answer.
const MOST_FAULTS = 100;

/** Reads the job from stdin, answers with one line of JSON, and ends in time even where the browser does not. */
export async function answer(work) {
  let text = "";
  for await (const chunk of process.stdin) text += chunk;
  const job = JSON.parse(text);
  const browser = await launch(job);
  const late = setTimeout(async () => {
    process.stderr.write(`not done after ${job.seconds} s\n`);
    await Promise.race([browser.close(), new Promise((done) => setTimeout(done, 2000))]);
    process.exit(1);
  }, job.seconds * 1000);
  try {
    const result = await work(browser, job);
    process.stdout.write(`${JSON.stringify({ browser: browser.version(), ...result })}\n`);
  } finally {
    clearTimeout(late);
    await browser.close();
  }
}

/** Playwright drives the browser that is there; it makes a fresh user data folder and removes it. */
function launch(job) {
  const require = createRequire(path.join(job.modules, "/"));
  const { chromium } = require("playwright-core");
  return chromium.launch({ executablePath: job.program, headless: true, args: FLAGS });
}

/** A path becomes a `file:` address; what is an address already stays one. */
export function addressOf(page) {
  if (/^(https?|file):/.test(page)) return page;
  const [file, ...hash] = page.split("#");
  return pathToFileURL(path.resolve(file)).href + (hash.length ? `#${hash.join("#")}` : "");
}

/** An address as a page has it, whatever place in it is meant. */
export function withoutHash(address) {
  return address.split("#")[0];
}

/** What one page did since it was opened. */
export class Watch {
  constructor() {
    this.faults = [];
    // Only these documents may be loaded, and nothing for them.
    this.documents = new Set();
  }

  /** Listens to a page. Nothing is put into it, so a page without JavaScript is watched as well. */
  static async over(page, allowed) {
    const watch = new Watch();
    const isOurs = (address) =>
      watch.documents.has(withoutHash(address)) || allowed.includes(withoutHash(address));
    page.on("console", (message) => {
      if (["error", "warning", "assert"].includes(message.type())) watch.add("console", message.text());
    });
    page.on("pageerror", (error) => watch.add("error", String(error?.stack ?? error)));
    page.on("request", (request) => {
      if (!isOurs(request.url())) watch.add("request", `${request.resourceType()} ${request.url()}`);
    });
    page.on("websocket", (socket) => watch.add("request", `websocket ${socket.url()}`));
    page.on("download", (download) => watch.add("request", `download ${download.url()}`));
    page.on("dialog", (dialog) => {
      watch.add("dialog", `${dialog.type()} ${dialog.message()}`);
      dialog.dismiss().catch(() => {});
    });
    page.on("popup", (popup) => {
      watch.add("navigation", `a window of its own: ${popup.url()}`);
      popup.close().catch(() => {});
    });
    page.on("framenavigated", (frame) => {
      const address = frame.url();
      if (address === "about:blank" || isOurs(address)) return;
      // A page that is not there: the caller gets an error.
      if (frame === page.mainFrame() && address.startsWith("chrome-error:")) return;
      watch.add("navigation", `${frame === page.mainFrame() ? "the page" : "a frame"} went to ${address}`);
    });
    page.on("crash", () => watch.add("error", "the page crashed"));
    const session = await page.context().newCDPSession(page);
    // The console shows a violation too, but not always: a frame has none.
    await session.send("Audits.enable");
    session.on("Audits.issueAdded", ({ issue }) => {
      const violation = issue.details.contentSecurityPolicyIssueDetails;
      if (violation) watch.add("policy", `${violation.violatedDirective} ${violation.blockedURL ?? "inline"}`);
    });
    watch.session = session;
    return watch;
  }

  add(kind, text) {
    if (this.faults.length < MOST_FAULTS) this.faults.push({ kind, text });
  }

  /** All faults until now, which are reported only once. */
  take() {
    return this.faults.splice(0);
  }
}

/** Time for what a page does after it is loaded: scripts, and the messages about them. */
export function settle(milliseconds = 100) {
  return new Promise((done) => setTimeout(done, milliseconds));
}

/** Until a page that draws its charts one after the other has drawn the last, as its root element says. */
export async function drawn(tab, seconds = 30) {
  const until = performance.now() + seconds * 1000;
  while (await tab.evaluate(() => document.documentElement.hasAttribute("data-drawing"))) {
    if (performance.now() > until) throw new Error(`still drawing after ${seconds} s`);
    await settle(20);
  }
}
