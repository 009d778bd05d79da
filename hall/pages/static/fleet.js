// The kiosks' pages keep themselves up to date; a new alarm that rings is heard once.

import { refresh, runClock } from "./live.js";
import { follow } from "./stream.js";

const EVERY = 30000; // a kiosk that falls silent is no event
const LOST = 3000;

const lost = document.getElementById("lost");

let looking = false;
let again = false;

/** One look at a time; what happens meanwhile is seen by one more. */
async function look() {
  if (looking) {
    again = true;
    return;
  }
  looking = true;
  const before = ringing();
  try {
    await refresh();
    stream.pageAnswered(true);
  } catch (error) {
    stream.pageAnswered(false);
  }
  looking = false;
  if (ringing() > before) beep();
  if (again) {
    again = false;
    look();
  }
}

function ringing() {
  const figure = document.getElementById("ringing");
  return figure ? Number(figure.textContent) : 0;
}

/** Two short tones. A browser that nobody has touched yet stays silent; the title counts all the same. */
function beep() {
  const context = new AudioContext();
  const tone = context.createOscillator();
  const volume = context.createGain();
  volume.gain.setValueAtTime(0.2, context.currentTime);
  volume.gain.setValueAtTime(0, context.currentTime + 0.15);
  volume.gain.setValueAtTime(0.2, context.currentTime + 0.3);
  tone.connect(volume).connect(context.destination);
  tone.start();
  tone.stop(context.currentTime + 0.45);
  tone.onended = () => context.close();
}

runClock();
setInterval(look, EVERY);
const stream = follow(() => "/staff/fleet/events", 0, ["fleet"], {
  event: look,
  back() {
    lost.hidden = true;
    look();
  },
  lost(gone) {
    lost.hidden = gone < LOST;
  },
});
