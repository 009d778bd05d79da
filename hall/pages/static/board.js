// The hall's board. A call is written the moment its event comes: with hundreds of boards, fetching the page anew at
// each call would reach the last of them too late. The page itself is looked at now and then, to be right again after
// whatever happened (a new day, a hall that was updated), and to notice a cable that was pulled.

import { hallNow, refresh, runClock, timeOfDay } from "./live.js";
import { follow } from "./stream.js";

const EVERY = 30000;
const FRESH = 60000; // an older call, caught up with after a break, is written without a flash
const LOST = 5000;

const stale = document.getElementById("stale");
const lastSeen = document.getElementById("last-seen");
const after = (page) => Number(page.getElementById("stream").dataset.after);
let newest = after(document);

function write(line, call) {
  const number = line.querySelector(".number");
  number.textContent = call.number;
  number.dataset.length = call.number.length;
  line.querySelector(".window").textContent = call.window;
}

function read(line) {
  return { number: line.querySelector(".number").textContent, window: line.querySelector(".window").textContent };
}

function show(call) {
  const latest = document.getElementById("latest");
  const lines = [latest, ...document.querySelectorAll("#recent li")];
  const calls = [call, ...lines.map(read).filter((shown) => shown.number && shown.number !== call.number)];
  lines.forEach((line, place) => write(line, calls[place] || { number: "", window: "" }));
  document.getElementById("nobody").hidden = true;
  document.getElementById("call").hidden = false;
  if (hallNow() - Date.parse(call.at) < FRESH) {
    latest.classList.remove("new");
    void latest.offsetWidth; // an animation starts again only after a layout without it
    latest.classList.add("new");
  }
}

function showLine(line) {
  document.getElementById("waiting").textContent = line.waiting;
  document.getElementById("windows-open").textContent = line.windows_open;
  document.getElementById("wait-line").hidden = !line.wait;
  if (line.wait) {
    const { low, high } = line.wait;
    document.getElementById("wait").textContent = high > low ? `${low}–${high}` : high;
  }
}

// A copy drawn before a call that is already on the screen would take the call away again.
async function look() {
  try {
    await refresh((page) => after(page) >= newest);
    newest = Math.max(newest, after(document));
    stream.pageAnswered(true);
  } catch (error) {
    stream.pageAnswered(false);
  }
}

runClock();
setInterval(look, EVERY);
const stream = follow((last) => `/board/events?after=${last}`, newest, ["called", "recalled", "line", "reset"], {
  event(kind, data) {
    if (kind === "line") {
      showLine(data);
    } else if (kind === "reset") {
      newest = 0; // too much was missed to be told one by one, or the hall counts anew
      look();
    } else if (data.id > newest) {
      newest = data.id;
      show(data);
    }
  },
  back() {
    stale.hidden = true;
  },
  lost(gone, proof) {
    if (gone < LOST) return;
    lastSeen.textContent = timeOfDay(hallNow() - (Date.now() - proof));
    stale.hidden = false;
  },
});
