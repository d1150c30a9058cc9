/** Longer without any event, heartbeats included, and the connection counts as dead. */
const SILENCE_MS = 35_000;
const MIN_RETRY_MS = 500;
const MAX_RETRY_MS = 15_000;

/**
 * Keeps an event stream to the agent open. The browser reconnects by itself after most
 * breaks; what it gives up on (an error status, a frozen connection) is opened anew here.
 * @param {Record<string, (data: any) => void>} handlers one for each kind of event
 * @param {(isLive: boolean) => void} onLink
 */
export function followHouse(handlers, onLink) {
  /** @type {EventSource | undefined} */
  let source;
  /** @type {number | undefined} */
  let silence;
  /** @type {number | undefined} */
  let retry;
  let failures = 0;

  const reopen = () => {
    source?.close();
    clearTimeout(silence);
    clearTimeout(retry);
    onLink(false);
    failures += 1;
    const longest = Math.min(MAX_RETRY_MS, MIN_RETRY_MS * 2 ** failures);
    retry = setTimeout(open, MIN_RETRY_MS + Math.random() * (longest - MIN_RETRY_MS));
  };

  const hear = () => {
    failures = 0;
    clearTimeout(silence);
    silence = setTimeout(reopen, SILENCE_MS);
  };

  const open = () => {
    const opened = new EventSource("/api/events");
    source = opened;
    opened.addEventListener("error", () => {
      onLink(false);
      if (opened.readyState === EventSource.CLOSED) {
        reopen();
      }
    });
    opened.addEventListener("heartbeat", hear);
    for (const [kind, handle] of Object.entries(handlers)) {
      opened.addEventListener(kind, (event) => {
        hear();
        handle(JSON.parse(event.data));
        if (kind === "snapshot") {
          onLink(true);
        }
      });
    }
    clearTimeout(silence);
    silence = setTimeout(reopen, SILENCE_MS);
  };

  // A phone that wakes up has a dead connection and a timer that did not run.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && source?.readyState !== EventSource.OPEN) {
      reopen();
    }
  });
  open();
}

/**
 * Sends what a person asked for.
 * @param {string} path
 * @param {object} body
 * @returns {Promise<{ isSent: true } | { isSent: false, message: string | undefined }>} `message`
 * says why the agent refused; undefined when it was not reached
 */
export async function send(path, body) {
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    if (response.ok) {
      return { isSent: true };
    }
    const answer = await response.json();
    return { isSent: false, message: String(answer?.error?.message ?? response.status) };
  } catch {
    return { isSent: false, message: undefined };
  }
}
