// From the page to the program: each move is kept in the browser until the program has stored it.
//
// Moves carry their number in the log, so that one sent again after a lost answer is made once. They are sent in
// their order, one request at a time; those made meanwhile go together in the next one.

/** Largest body sent, well below what the program takes. */
const LARGEST_BODY = 40_000;
const PATIENCE_MS = 20_000;
const LONGEST_PAUSE_MS = 15_000;

/** The page was told that it cannot go on; the message is for the rater. */
export class Ended extends Error {
  constructor(words, title = "Thank you") {
    super(words);
    this.title = title;
  }
}

/** What the page shows is not what is stored. */
export class Conflict extends Error {}

/** It did not work, and will in a while. */
export class NotNow extends Error {}

/** Asks the program; gives what it answers. */
export async function ask(what, body, keepalive = false) {
  let response;
  try {
    response = await fetch(what, {
      method: body === undefined ? "GET" : "POST",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      keepalive,
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch (error) {
    throw new NotNow(String(error));
  }
  if (response.status === 204) return null;
  let answer = null;
  try {
    answer = await response.json();
  } catch (error) {
    // A link that is gone answers with a page; a proxy may answer with anything.
    if (response.ok) throw new NotNow(String(error));
  }
  if (response.ok) return answer;
  switch (response.status) {
    case 404:
      throw new Ended("This link no longer opens anything. Ask the person who sent it to you.", "Link out of date");
    case 410:
      throw new Ended(answer?.words ?? "This study is closed.");
    case 400:
    case 409:
    case 413:
      throw new Conflict(answer?.words ?? "");
    default:
      throw new NotNow(String(response.status));
  }
}

const key = (board) => `atmoscope moves ${board}`;
const tabKey = (board) => `atmoscope tab ${board}`;

/** Where moves are kept; a browser may refuse to keep anything. */
const store = {
  get(name) {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(name, value);
      return true;
    } catch {
      return false;
    }
  },
  remove(name) {
    try {
      localStorage.removeItem(name);
    } catch {
      // Nothing was kept then.
    }
  },
};
export { store };

/** Moves that are not stored yet, from an earlier visit, as `{ number, at, move }`. */
export function kept(board) {
  try {
    const moves = JSON.parse(store.get(key(board)) ?? "[]");
    return Array.isArray(moves) ? moves : [];
  } catch {
    return [];
  }
}

export class Sync {
  /**
   * `stored` moves are in the log; `waiting` ones follow. `on` is told of `status` ("saved", "saving", "offline"),
   * `conflict` (with words), `ended` (with words) and `elsewhere` (the sort was opened in another tab).
   */
  constructor(board, stored, waiting, on) {
    this.board = board;
    this.stored = stored;
    this.waiting = waiting;
    this.on = on;
    this.pause = 0;
    this.stopped = false;
    this.safe = true;
    this.tab = crypto.getRandomValues(new Uint32Array(2)).join("-");
    store.set(tabKey(board), this.tab);
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    addEventListener("storage", (event) => {
      if (event.key === tabKey(board) && event.newValue !== null && event.newValue !== this.tab) {
        this.stop();
        on.elsewhere();
      }
    }, { signal });
    addEventListener("online", () => this.#now(), { signal });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#now();
    }, { signal });
    addEventListener("beforeunload", (event) => {
      if (this.waiting.length > 0 && !this.safe) event.preventDefault();
    }, { signal });
    this.#keep();
    this.#send();
  }

  /** The number of the newest move, stored or not. */
  get last() {
    return this.waiting.at(-1)?.number ?? this.stored;
  }

  push(move) {
    this.waiting.push({ number: this.last + 1, at: Date.now(), move });
    this.#keep();
    this.#send();
  }

  /** Waits until everything is stored; throws when there is no connection. */
  async flush() {
    this.#now();
    const patience = Date.now() + PATIENCE_MS;
    while (this.waiting.length > 0) {
      if (this.stopped || Date.now() > patience) throw new NotNow("not stored yet");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Sends nothing any more. */
  stop() {
    this.stopped = true;
    this.listeners.abort();
    clearTimeout(this.timer);
    this.wake?.();
  }

  /** Forgets the moves that were not stored, because the board they belong to is another one now. */
  forget() {
    this.stop();
    store.remove(key(this.board));
  }

  #keep() {
    if (this.waiting.length === 0) {
      store.remove(key(this.board));
      this.safe = true;
    } else {
      this.safe = store.set(key(this.board), JSON.stringify(this.waiting));
    }
  }

  #now() {
    this.pause = 0;
    this.wake?.();
    this.#send();
  }

  async #send() {
    if (this.sending || this.stopped) return;
    this.sending = true;
    while (this.waiting.length > 0 && !this.stopped) {
      if (this.pause === 0) this.on.status("saving");
      try {
        const { stored } = await ask("moves", this.#body());
        if (this.stopped) break;
        this.stored = Math.max(this.stored, stored);
        this.waiting = this.waiting.filter((move) => move.number > stored);
        this.pause = 0;
        this.#keep();
      } catch (error) {
        if (this.stopped) break;
        if (error instanceof NotNow) {
          this.on.status("offline");
          this.pause = Math.min(Math.max(500, this.pause * 2), LONGEST_PAUSE_MS);
          await new Promise((resolve) => {
            this.wake = resolve;
            this.timer = setTimeout(resolve, this.pause);
          });
          this.wake = undefined;
          clearTimeout(this.timer);
          continue;
        }
        this.sending = false;
        this.stop();
        if (error instanceof Ended) this.on.ended(error);
        else this.on.conflict(error.message);
        return;
      }
    }
    this.sending = false;
    if (!this.stopped) this.on.status("saved");
  }

  #body() {
    const now = Date.now();
    const moves = [];
    let size = 0;
    for (const { number, at, move } of this.waiting) {
      size += JSON.stringify(move).length + 50;
      if (moves.length > 0 && size > LARGEST_BODY) break;
      moves.push({ number, ago_ms: Math.max(0, Math.round(now - at)), move });
    }
    return { board: this.board, moves };
  }
}
