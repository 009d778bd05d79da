// One event stream that looks after itself.
//
// The browser reconnects by itself, with Last-Event-ID, when a connection breaks. It gives up when the hall answers
// with an error (it is being restarted), it may wait minutes on a dead network, and it does not notice a cable that
// was pulled. All three are seen to here; the last with the help of the page, which says whether it was answered.

const TRY = 10000; // milliseconds that one attempt may take
const AGAIN = 2000; // and between an attempt that failed for good and the next

/**
 * `address(last)` gives the URL that resumes after an event id. `on.event(kind, data)` for each frame of `kinds`,
 * `on.back()` whenever the stream opens, `on.lost(gone, proof)` each second while it is not there: for how long, and
 * the local time of the last sign of life, both in milliseconds.
 */
export function follow(address, first, kinds, on) {
  let source = null;
  let last = first;
  let proof = Date.now();
  let tried = 0;
  let gone = 0;

  function open() {
    if (source) source.close();
    tried = Date.now();
    source = new EventSource(address(last));
    source.onopen = () => {
      proof = Date.now();
      gone = 0;
      on.back();
    };
    for (const kind of kinds) {
      source.addEventListener(kind, (frame) => {
        proof = Date.now();
        if (frame.lastEventId) last = Number(frame.lastEventId);
        on.event(kind, JSON.parse(frame.data));
      });
    }
  }

  open();
  setInterval(() => {
    if (source.readyState === EventSource.OPEN) return;
    const now = Date.now();
    gone = gone || now;
    on.lost(now - gone, proof);
    if (now - tried > (source.readyState === EventSource.CLOSED ? AGAIN : TRY)) open();
  }, 1000);
  addEventListener("pagehide", () => source.close());

  return {
    /** The page itself was fetched, or could not be: a stream that still seems open may hang on a dead connection. */
    pageAnswered(is) {
      if (is) proof = Date.now();
      else if (source.readyState === EventSource.OPEN) open();
    },
  };
}
