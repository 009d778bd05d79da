// The clerk's page: one request for one press, and the newest view without a key being pressed for it.

import { hallNow, refresh, runClock, timeOfDay } from "./live.js";
import { follow } from "./stream.js";

const TWICE = 700; // milliseconds; a second press of the same button within this is the first one's echo
const GATHER = 250; // changes of the line are gathered this long before the page is fetched again
const EVERY = 30000; // ages grow, also in a quiet hall
const LOST = 3000;
const READING = 15000; // a refusal is about a moment that has passed

const lost = document.getElementById("lost");
const lastSeen = document.getElementById("last-seen");
const answer = document.getElementById("answer");
const transfer = document.getElementById("transfer");

const KINDS = [
  "called", "recalled", "started", "no_show", "parked", "transferred", "finished", "voided",
  "window_opened", "window_closed", "line", "reset",
];

let sending = false;
let echo = { of: "", until: 0 };
let gathering = null;
let fading = null;

async function look() {
  clearTimeout(gathering);
  gathering = null;
  const focused = document.activeElement.dataset.action;
  try {
    await refresh();
    stream.pageAnswered(true);
  } catch (error) {
    stream.pageAnswered(false);
    return;
  }
  if (focused && document.activeElement === document.body) {
    const again = document.querySelector(`button[data-action="${focused}"]:enabled`);
    if (again) again.focus();
  }
}

function lookSoon() {
  if (gathering === null) gathering = setTimeout(look, GATHER);
}

function say(words) {
  clearTimeout(fading);
  answer.textContent = words;
  answer.hidden = !words;
  if (words) fading = setTimeout(say, READING, "");
}

function refusal(problem) {
  const words = document.getElementById("refusals").content.querySelector(`[data-problem="${CSS.escape(problem)}"]`);
  return words ? words.textContent : `这一步没有做成（${problem}），画面已更新。`;
}

async function send(action, body) {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), 10000);
  try {
    const response = await fetch(`/window/v1/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": document.body.dataset.csrf },
      body: JSON.stringify(body),
      signal: patience.signal,
    });
    if (response.ok) return "";
    if (response.status === 401 || response.status === 403) {
      location.assign("/login?ended=1");
      return "";
    }
    const refused = await response.json().catch(() => ({}));
    return refusal(refused.problem || String(response.status));
  } catch (error) {
    // Whether it was done, nobody here knows: the page that is fetched next shows what came of it.
    return "没有收到大厅的回答。请看当前号码有没有变，再决定要不要再按。";
  } finally {
    clearTimeout(timer);
  }
}

async function press(button) {
  const { action, number, to } = button.dataset;
  const name = `${action} ${number || ""} ${to || ""}`;
  if (sending || (echo.of === name && Date.now() < echo.until)) return;
  if (action === "transfer" && to === undefined) {
    askWhere(number);
    return;
  }
  transfer.close();
  sending = true;
  document.body.classList.add("sending");
  button.setAttribute("aria-busy", "true");
  say(await send(action, request(button)));
  await look();
  button.removeAttribute("aria-busy");
  document.body.classList.remove("sending");
  echo = { of: name, until: Date.now() + TWICE };
  sending = false;
}

/** What the clerk means, with the number that is on the screen: the hall refuses it when the screen was stale. */
function request(button) {
  const { number, to } = button.dataset;
  if (button.dataset.action === "call-next") {
    return button.hasAttribute("data-finish") ? { finish: true, current: number } : {};
  }
  if (to) return { number, to_window: to };
  return number ? { number } : {};
}

function askWhere(number) {
  document.getElementById("transfer-number").textContent = number;
  for (const choice of document.querySelectorAll("#choices button")) choice.dataset.number = number;
  transfer.showModal();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-action]");
  if (button) press(button);
});

document.getElementById("transfer-cancel").addEventListener("click", () => transfer.close());

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const held = event.repeat && (event.key === " " || event.key === "Enter") && event.target.closest("button");
  if (held) event.preventDefault();
  const button = document.querySelector(`button[data-key="${CSS.escape(event.key)}"]`);
  if (!button) return;
  event.preventDefault(); // F10 would open a menu, F6 leave the page
  if (!event.repeat && !button.disabled && !transfer.open) press(button);
});

runClock();
setInterval(lookSoon, EVERY);
const first = Number(document.getElementById("stream").dataset.after);
const stream = follow((last) => `/window/events?after=${last}`, first, KINDS, {
  event: lookSoon,
  back() {
    lost.hidden = true;
    lookSoon();
  },
  lost(gone, proof) {
    if (gone < LOST) return;
    lastSeen.textContent = timeOfDay(hallNow() - (Date.now() - proof));
    lost.hidden = false;
    lookSoon(); // perhaps the hall is there and it is our login that has ended
  },
});
