// Functions that run inside a page and time it. Each stands alone: it is sent as text.

/** Waits for the next move of the mouse and remembers what it costs, until `moved` asks. */
export function watchMove() {
  window.arcgaugeMove = new Promise((done) => {
    const start = () => {
      const from = performance.now();
      let handled = from;
      // Behind the handlers of the page, wherever they listen.
      const end = () => { handled = performance.now(); };
      addEventListener("mousemove", end, { once: true });
      // Before the page's own work for the frame, and then behind its layout and paint.
      requestAnimationFrame(() => {
        const frame = performance.now();
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          const painted = performance.now();
          done({ work_ms: handled - from + (painted - frame), frame_ms: painted - from });
        };
        port2.postMessage(null);
      });
    };
    addEventListener("mousemove", start, { capture: true, once: true });
    // A move that goes nowhere shows nothing, and must not be waited for.
    setTimeout(() => done(null), 2000);
  });
}

/** `work_ms`: handlers, scripts of the frame, layout and paint. `frame_ms`: the same and the wait for the frame. */
export async function moved() {
  const times = await window.arcgaugeMove;
  delete window.arcgaugeMove;
  return times;
}

/** When the first chart was there; false where it is not yet. A chart at 0 ms would be no chart. */
export function firstChart() {
  return performance.getEntriesByName("first-chart")[0]?.startTime ?? false;
}
