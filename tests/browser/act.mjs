// Does in one page what a user would do, step by step, and returns the values that the job requested.
//
// The job, on stdin: { program, modules, seconds, page, width, height, scheme, javascript, allowed, steps }. The
// answer, on stdout: { browser, values, milliseconds, faults: [{ kind, text }] }; both maps are by the names that
// steps gave with `as`. A step that cannot be done ends the job, and says which it was.

import { Watch, addressOf, answer, settle } from "./browser.mjs";
import { STEPS } from "./steps.mjs";

await answer(async (browser, job) => {
  const context = await browser.newContext({
    javaScriptEnabled: job.javascript,
    colorScheme: job.scheme,
    viewport: { width: job.width, height: job.height },
  });
  const tab = await context.newPage();
  const scene = { tab, watch: await Watch.over(tab, job.allowed.map(addressOf)), values: {}, milliseconds: {} };
  for (const [at, step] of [{ do: "goto", page: job.page }, ...job.steps].entries()) {
    const from = performance.now();
    try {
      if (!Object.hasOwn(STEPS, step.do)) throw new Error(`there is ${Object.keys(STEPS).join(", ")}`);
      const value = await STEPS[step.do](scene, step);
      if (step.as) scene.values[step.as] = value ?? null;
    } catch (error) {
      throw new Error(`step ${at} ${JSON.stringify(step)}: ${error.message}`);
    }
    if (step.as) scene.milliseconds[step.as] = performance.now() - from;
  }
  await settle();
  const { values, milliseconds, watch } = scene;
  return { values, milliseconds, faults: watch.take() };
});
