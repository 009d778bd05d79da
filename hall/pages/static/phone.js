// A phone asks for its page again; there is no stream for phones. Silent while it lies in a pocket, slower while the
// hall does not answer, and never in step with the other phones.

import { hallNow, refresh, timeOfDay } from "./live.js";

const SLOWEST = 120000;
const trouble = document.getElementById("trouble");
const updated = document.getElementById("updated");
let failures = 0;
let timer = null;

function pause() {
  const every = 1000 * Number(document.getElementById("live").dataset.every);
  return Math.min(SLOWEST, every * 2 ** failures) * (0.85 + 0.3 * Math.random());
}

async function look() {
  clearTimeout(timer);
  try {
    await refresh();
    failures = 0;
    updated.textContent = timeOfDay(hallNow());
  } catch (error) {
    failures += 1;
  }
  trouble.hidden = failures === 0;
  if (!document.hidden) timer = setTimeout(look, pause());
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden) look();
});
timer = setTimeout(look, pause());
