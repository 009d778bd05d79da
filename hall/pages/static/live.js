// What the pages share: the hall's clock, the newest copy of the page itself, and the stream of events.
//
// The server draws every page whole. A page that has changed is fetched again (304 while it has not) and the parts
// marked data-live are exchanged, so that there is one place that knows how something looks.

const root = document.documentElement;
let ahead = Date.parse(root.dataset.now) - Date.now();

/** The hall's time now, in milliseconds: a screen's own clock may be wrong. */
export function hallNow() {
  return Date.now() + ahead;
}

const minutes = new Intl.DateTimeFormat("zh-CN", {
  timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
const seconds = new Intl.DateTimeFormat("zh-CN", {
  timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});

export function timeOfDay(milliseconds) {
  return seconds.format(milliseconds);
}

/** Keep every element marked data-clock at the hall's time. */
export function runClock() {
  const show = () => {
    const text = minutes.format(hallNow());
    for (const clock of document.querySelectorAll("[data-clock]")) {
      if (clock.textContent !== text) clock.textContent = text;
    }
  };
  show();
  setInterval(show, 1000);
}

function exchange(part, fresh) {
  if (part.outerHTML === fresh.outerHTML) return;
  for (const name of part.getAttributeNames()) {
    if (!fresh.hasAttribute(name)) part.removeAttribute(name);
  }
  for (const name of fresh.getAttributeNames()) part.setAttribute(name, fresh.getAttribute(name));
  part.replaceChildren(...fresh.childNodes);
}

let etag = null;
let looks = 0;
let shown = 0;

/**
 * Fetch this page again and exchange what has changed. An answer that was overtaken by a later one is dropped.
 * `wanted(page)` may refuse a copy. Throws when the hall does not answer; goes where the hall sends us (log in).
 */
export async function refresh(wanted = () => true) {
  const look = ++looks;
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), 8000);
  try {
    const headers = etag ? { "If-None-Match": etag } : {};
    const answer = await fetch(location.href, { headers, cache: "no-store", signal: patience.signal });
    if (answer.status === 304) return;
    if (answer.redirected) {
      location.assign(answer.url);
      return;
    }
    if (answer.status !== 200 && answer.status !== 404) throw new Error(`the hall answered ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (look < shown || !wanted(page)) return;
    shown = look;
    etag = answer.headers.get("ETag");
    ahead = Date.parse(page.documentElement.dataset.now) - Date.now();
    if (page.documentElement.dataset.build !== root.dataset.build) {
      location.reload(); // the hall was updated: this page's scripts are of yesterday
      return;
    }
    document.title = page.title;
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(part.id);
      if (fresh) exchange(part, document.adoptNode(fresh));
    }
  } finally {
    clearTimeout(timer);
  }
}
