// A rater's page: asks how things stand, shows the board, and makes moves.
//
//   keys, drag, clicks ─► act ─► board (at once) ─► view
//                           └──► sync (kept, sent, stored)

import { Refused, Sort } from "./board.js";
import { confirmed, help, introduce, look, lookFurther, lookNoMore, looking } from "./dialogs.js";
import { $, el, fly } from "./dom.js";
import { dragging } from "./drag.js";
import { keys } from "./keys.js";
import { Conflict, Ended, NotNow, Sync, ask, kept, store } from "./sync.js";
import { countOf, draw, drawHeld, source } from "./view.js";

const SIZE = "atmoscope size";
const PAUSE_MS = 350;

const app = {
  state: null,
  sort: null,
  sync: null,
  current: null,
  picked: new Set(),
  opened: null,
  merging: null,
  several: false,
  looked: null,
  size: Math.min(2, Math.max(0, Number(store.get(SIZE) ?? 1) || 0)),

  /** Pictures in the order in which they lie. */
  inOrder(pictures) {
    const { tray, piles, leftOut } = app.sort;
    return [...tray, ...piles.flatMap((pile) => pile.images), ...leftOut].filter((picture) => pictures.has(picture));
  },

  /** The pictures that the next move is about. */
  hand() {
    if (app.looked) return [app.looked];
    if (app.picked.size > 0) return app.inOrder(app.picked);
    const focused = document.activeElement;
    if (focused?.matches?.(".spread .picture:focus-visible")) return [Number(focused.dataset.picture)];
    return app.current ? [app.current] : [];
  },

  /** True while something covers the board. */
  busy: () => $("app").hidden || document.querySelector("dialog[open]") !== null,
};

// ---------------------------------------------------------------------------------------------------------------------
// Moves

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

let saying;

/** Says something for a few seconds. */
function say(words) {
  const place = $("say");
  place.textContent = words;
  place.dataset.shown = "yes";
  clearTimeout(saying);
  saying = setTimeout(() => {
    place.dataset.shown = "no";
  }, Math.max(2500, 60 * words.length));
  return true;
}

/** Makes a move; false when it makes no sense now. */
function make(step) {
  try {
    app.sort.make(step);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(`${capital(error.message)}.`);
    return false;
  }
  app.sync.push(step);
  return true;
}

/** Sets right what the page remembers beside the board, and draws. */
function settle() {
  const { sort } = app;
  if (!sort.tray.includes(app.current)) {
    app.current = sort.tray.find((picture) => picture > app.current) ?? sort.tray[0] ?? null;
  }
  if (typeof app.opened === "number" && !sort.pile(app.opened)) app.opened = null;
  if (app.merging !== null && !sort.pile(app.merging)) stopMerging();
  draw(app);
}

const boxOf = (picture) => {
  const shown = app.current === picture && app.sort.tray.includes(picture) ? $("current-small") : null;
  const element = shown ?? document.querySelector(`.spread [data-picture="${picture}"], #rest [data-picture="${picture}"]`);
  return element?.offsetParent ? element.getBoundingClientRect() : null;
};

/** Moves pictures and shows where they go. `place` finds the element they go to, once drawn. */
function carry(pictures, step, place) {
  const from = pictures.length > 0 ? boxOf(pictures[0]) : null;
  if (!make(step)) return false;
  app.picked.clear();
  app.several = false;
  settle();
  const to = place()?.getBoundingClientRect();
  if (pictures.length > 0) fly(from, to, source(app, pictures[0], "small"));
  if (app.looked) {
    if (app.current) look(app, app.current);
    else lookNoMore();
  }
  return true;
}

const cardOf = (pile) => $("piles").known?.get(pile);

function putInto(pictures, pile) {
  return carry(pictures, { move: "place", images: pictures, pile }, () => cardOf(pile));
}

const act = {
  say,

  put(pile) {
    if (app.merging !== null) return act.mergeInto(pile);
    const pictures = app.hand();
    if (pictures.length === 0) return act.open(pile);
    putInto(pictures, pile);
    return true;
  },

  newPile(pictures = app.hand()) {
    const made = carry(pictures, { move: "new_pile", images: pictures }, () => cardOf(app.sort.lastPile));
    if (made) cardOf(app.sort.lastPile)?.scrollIntoView({ block: "nearest" });
    return true;
  },

  takeBack(pictures = app.hand()) {
    if (pictures.length > 0) carry(pictures, { move: "take_back", images: pictures }, () => $("tray"));
    return true;
  },

  leaveOut(pictures = app.hand()) {
    if (pictures.length > 0) carry(pictures, { move: "leave_out", images: pictures }, () => $("out-head"));
    return true;
  },

  drop(pictures, place) {
    const [kind, id] = place.split(" ");
    if (kind === "pile") putInto(pictures, Number(id));
    else if (kind === "new") act.newPile(pictures);
    else if (kind === "tray" && !pictures.every((picture) => app.sort.tray.includes(picture))) act.takeBack(pictures);
    else if (kind === "out") act.leaveOut(pictures);
  },

  undo: () => back("undo"),
  redo: () => back("redo"),

  /** Puts all of a group into another, which is named next. */
  merge(pile) {
    if (pile == null) return say("Open a group first, or go to it with the arrow keys.");
    if (app.sort.piles.length < 2) return say("There is no other group.");
    app.merging = pile;
    app.opened = null;
    const number = app.sort.piles.indexOf(app.sort.pile(pile)) + 1;
    $("mode-words").textContent = `Into which group does group ${number} go? Tap it, or type its number.`;
    $("mode").hidden = false;
    $("groups").scrollTop = 0;
    draw(app);
    return true;
  },

  mergeInto(into) {
    const from = app.merging;
    stopMerging();
    if (make({ move: "merge", from, into })) {
      app.picked.clear();
      if (app.opened === from) app.opened = null;
    }
    settle();
    return true;
  },

  rename(pile) {
    const known = pile == null ? null : app.sort.pile(pile);
    if (!known) return say("Open a group first, or go to it with the arrow keys.");
    if (known.given) return say("This group’s name is given and stays.");
    const put = cardOf(pile).querySelector(".put");
    const input = el("input", { class: "rename", value: known.name, maxlength: 200, "aria-label": "Name of the group", placeholder: "Name" });
    let over = false;
    const finish = (keep, byKey) => {
      if (over) return;
      over = true;
      const name = input.value.trim();
      input.remove();
      put.hidden = false;
      if (keep && name !== known.name && app.sort?.pile(pile)) make({ move: "rename", pile, name });
      if (app.sort) settle();
      if (byKey) put.focus();
    };
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      const ends = event.key === "Enter" ? !event.isComposing : event.key === "Escape";
      if (!ends) return;
      // The button that gets the focus next must not take the key too.
      event.preventDefault();
      finish(event.key === "Enter", true);
    });
    input.addEventListener("blur", () => finish(true, false));
    put.hidden = true;
    put.after(input);
    input.focus();
    input.select();
    return true;
  },

  apart(pile) {
    if (make({ move: "take_apart", pile })) {
      app.picked.clear();
      app.opened = null;
    }
    settle();
  },

  /** Moves a group by so many places. */
  shift(pile, by) {
    const at = app.sort.piles.indexOf(app.sort.pile(pile));
    const to = at + by;
    if (to < 0 || to >= app.sort.piles.length) return;
    make({ move: "reorder", pile, to });
    const focused = document.activeElement;
    settle();
    // Moving an element takes the focus from it.
    focused?.focus?.();
    cardOf(pile)?.scrollIntoView({ block: "nearest" });
  },

  /** Moves a group before or after another. */
  reorder(pile, { pile: other, after }) {
    const rest = app.sort.piles.filter((known) => known.id !== pile);
    const to = rest.findIndex((known) => known.id === other) + (after ? 1 : 0);
    if (app.sort.piles[to]?.id === pile) return;
    make({ move: "reorder", pile, to });
    settle();
  },

  // What changes no board.

  toggle(picture) {
    if (!app.picked.delete(picture)) app.picked.add(picture);
    draw(app);
  },

  pickHand() {
    const pictures = app.hand();
    if (app.picked.size === 0 && pictures.length === 1) act.toggle(pictures[0]);
    return true;
  },

  /** Chooses all pictures of the open group, or of the tray. */
  pickAll() {
    const open = typeof app.opened === "number" ? app.sort.pile(app.opened).images : app.opened === "out" ? app.sort.leftOut : app.sort.tray;
    app.picked = new Set(open);
    draw(app);
    return true;
  },

  pickNone() {
    app.picked.clear();
    app.several = false;
    draw(app);
  },

  open(pile) {
    const closing = app.opened === pile;
    app.opened = closing ? null : pile;
    if (!app.sort.tray.some((picture) => app.picked.has(picture))) app.picked.clear();
    draw(app);
    if (!closing) cardOf(pile)?.scrollIntoView({ block: "nearest" });
    return true;
  },

  look() {
    const [picture] = app.hand();
    if (picture) look(app, picture);
    return true;
  },
  lookFurther: (by) => (lookFurther(app, by), true),
  lookNoMore: () => (lookNoMore(), true),

  resize(by) {
    app.size = Math.min(2, Math.max(0, app.size + by));
    store.set(SIZE, String(app.size));
    draw(app);
    return true;
  },

  help: () => (help(app), true),

  escape() {
    if (app.merging !== null) stopMerging();
    else if (app.picked.size > 0 || app.several) act.pickNone();
    else if (app.opened !== null) app.opened = null;
    else return false;
    draw(app);
    return true;
  },

  makeCurrent(picture) {
    app.current = picture;
    draw(app);
  },

  lookedElsewhere: () => drawHeld(app),
};

function stopMerging() {
  app.merging = null;
  $("mode").hidden = true;
}

/** Undo and redo show what they brought back. */
function back(move) {
  const before = new Set(app.sort.tray);
  if (make({ move })) {
    app.picked.clear();
    const come = app.sort.tray.find((picture) => !before.has(picture));
    if (come) app.current = come;
    settle();
  }
  return true;
}

// ---------------------------------------------------------------------------------------------------------------------
// Clicks

function clicks() {
  const on = (id, what) => $(id).addEventListener("click", what);
  on("undo", act.undo);
  on("redo", act.redo);
  on("help", act.help);
  on("size", () => act.resize(app.size === 2 ? -2 : 1));
  on("several", () => {
    app.several = !app.several;
    if (app.several) say("Tap all pictures you want, then a group.");
    else app.picked.clear();
    draw(app);
  });
  on("look", () => app.current && look(app, app.current));
  on("leave", () => app.current && act.leaveOut([app.current]));
  on("new", () => act.newPile());
  on("mode-cancel", act.escape);
  on("out-head", () => {
    const pictures = app.picked.size > 0 ? app.hand() : [];
    if (pictures.length > 0) act.leaveOut(pictures);
    else if (app.sort.leftOut.length > 0) act.open("out");
    else say("No picture is left out. Drag one here, or press the sign on the picture.");
  });
  on("picked-new", () => act.newPile());
  on("picked-tray", () => act.takeBack());
  on("picked-out", () => act.leaveOut());
  on("picked-look", act.look);
  on("picked-none", act.pickNone);
  on("submit", submit);

  $("rest").addEventListener("click", (event) => {
    const picture = Number(event.target.closest(".picture")?.dataset.picture);
    if (!picture) return;
    if (event.shiftKey && app.current) pickRange(app.sort.tray, app.current, picture);
    else if (app.several || event.ctrlKey || event.metaKey) act.toggle(picture);
    else {
      app.picked.clear();
      act.makeCurrent(picture);
    }
  });
  $("stage").addEventListener("dblclick", () => app.current && look(app, app.current));
  $("stage").addEventListener("click", () => {
    app.picked.clear();
    draw(app);
  });
  $("groups").addEventListener("click", (event) => {
    const picture = event.target.closest(".spread .picture");
    if (picture) {
      const number = Number(picture.dataset.picture);
      const among = app.sort.pileOf(number)?.images ?? app.sort.leftOut;
      if (event.shiftKey && app.anchor && among.includes(app.anchor)) pickRange(among, app.anchor, number);
      else act.toggle(number);
      app.anchor = number;
      return;
    }
    const card = event.target.closest(".pile");
    if (!card) return;
    const pile = Number(card.dataset.pile);
    const tool = event.target.closest("[data-do]")?.dataset.do;
    if (tool === "rename") act.rename(pile);
    else if (tool === "merge") act.merge(pile);
    else if (tool === "apart") act.apart(pile);
    else if (tool === "earlier") act.shift(pile, -1);
    else if (tool === "later") act.shift(pile, 1);
    else if (event.target.closest(".open, .more")) act.open(pile);
    else if (event.target.closest(".put, .faces")) act.put(pile);
  });
  $("groups").addEventListener("dblclick", (event) => {
    const picture = event.target.closest(".spread .picture");
    if (picture) look(app, Number(picture.dataset.picture));
  });
  addEventListener("focusin", () => app.sort && drawHeld(app));
  $("current-large").addEventListener("load", (event) => event.target.classList.add("there"));
  // Pictures that did not come are asked for again in a while.
  addEventListener("error", (event) => again(event.target), { capture: true });
  new ResizeObserver(() => app.sort && !$("app").hidden && draw(app)).observe($("groups"));
}

function pickRange(among, from, to) {
  const [a, b] = [among.indexOf(from), among.indexOf(to)].sort((x, y) => x - y);
  for (const picture of among.slice(a, b + 1)) app.picked.add(picture);
  draw(app);
}

/** Asks for a picture again that did not come, ever more seldom. */
function again(image) {
  if (!(image instanceof HTMLImageElement) || !image.src.includes("/pictures/")) return;
  image.tries = (image.tries ?? 0) + 1;
  if (image.tries > 12) return;
  const wanted = image.src;
  setTimeout(() => {
    if (image.src === wanted) {
      image.src = "";
      image.src = wanted;
    }
  }, Math.min(30_000, 500 * 2 ** image.tries));
}

// ---------------------------------------------------------------------------------------------------------------------
// From task to task

let showSaving;

function status(now) {
  clearTimeout(showSaving);
  const show = () => {
    const place = $("saved");
    place.dataset.status = now;
    place.textContent = { saved: "Saved", saving: "Saving…", offline: "Not saved yet" }[now];
    $("offline").hidden = now !== "offline";
  };
  // Most moves are stored before anybody could read that they are being stored.
  if (now === "saving" && $("saved").dataset.status === "saved") showSaving = setTimeout(show, PAUSE_MS);
  else show();
}

/** Shows a page of words instead of the board. */
function notice(title, texts, actions = []) {
  app.sync?.stop();
  app.sync = null;
  app.sort = null;
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
  $("app").hidden = true;
  $("notice").hidden = false;
  $("notice-title").textContent = title;
  $("notice-text").replaceChildren(...texts.map((text) => el("p", {}, text)));
  $("notice-actions").replaceChildren(...actions.map(([words, what, kind]) => el("button", { class: kind ?? "primary", onclick: what }, words)));
  $("notice-title").focus();
}

const ended = (error) => notice(error.title, [error.message]);

const elsewhere = () =>
  notice("Open in another tab", ["This sort is open in another tab or window of this browser. What you did is saved."], [["Go on here", start]]);

async function conflict(words) {
  const lost = app.sync?.waiting.length ?? 0;
  app.sync?.forget();
  await start();
  if (app.sort) say(`${capital(words)} The board is shown as it is stored.${lost > 0 ? ` ${countOf(lost, "move")} could not be kept.` : ""}`);
}

/** Shows what the program told: the board, or words. */
async function show(state) {
  app.state = state;
  if (state.stage === "finished") {
    finished(state);
    return;
  }
  const sort = replayed(state);
  const waiting = kept(state.board).filter((move) => move.number > state.moves.length);
  try {
    for (const { number, move } of waiting) {
      if (number !== sort.moves + 1) throw new Refused("a move is missing");
      sort.make(move);
    }
    await showBoard(state, sort, waiting);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    // They belong to a board that is another one now; the program would refuse them.
    await showBoard(state, replayed(state), []);
    say("Some moves of an earlier visit could not be kept: the board had changed at another place.");
  }
}

/** The board that the stored moves lead to. */
function replayed(state) {
  const sort = new Sort(state.shapes.length, state.task.rules);
  for (const move of state.moves) sort.make(move);
  return sort;
}

async function showBoard(state, sort, waiting) {
  app.sync?.stop();
  Object.assign(app, { sort, current: sort.tray[0] ?? null, opened: null, merging: null, several: false });
  app.picked.clear();
  for (const id of ["piles", "rest", "out-pictures"]) {
    $(id).replaceChildren();
    $(id).known = undefined;
  }
  delete $("stage").dataset.picture;
  $("mode").hidden = true;
  $("notice").hidden = true;
  $("app").hidden = false;
  status("saved");
  app.sync = new Sync(state.board, state.moves.length, waiting, { status, conflict, ended, elsewhere });
  draw(app);
  if (sort.moves === 0 && waiting.length === 0) await introduce(app);
}

function finished(state) {
  const many = state.tasks.length > 1;
  const change = state.open
    ? state.tasks.map((text, at) => [many ? `Change the groups of task ${at + 1}` : "Change my groups", () => reopen(at + 1), "plain-button"])
    : [];
  notice("Thank you", [`${many ? "All tasks are" : "Your groups are"} submitted. You can close this page now.`], change);
}

async function reopen(task) {
  try {
    await show(await ask("change", { task }));
  } catch (error) {
    failed(error, () => reopen(task));
  }
}

/** What to show when the program did not answer as hoped. */
function failed(error, retry) {
  if (error instanceof Ended) ended(error);
  else if (error instanceof Conflict) start();
  else if (error instanceof NotNow) {
    notice("No connection", ["The program cannot be reached just now. Nothing is lost; this page tries again by itself."], [["Try again", retry]]);
    setTimeout(() => $("notice-title").textContent === "No connection" && !$("notice").hidden && retry(), 4000);
  } else throw error;
}

async function start() {
  try {
    await show(await ask("state"));
  } catch (error) {
    failed(error, start);
  }
}

async function submit() {
  const breaches = app.sort.breaches();
  if (breaches.length > 0) {
    say(`Not yet: ${breaches.map((breach) => breach.words).join("; ")}.`);
    return;
  }
  const { task } = app.state;
  const groups = app.sort.piles.filter((pile) => pile.images.length > 0).length;
  const title = `Submit ${countOf(groups, "group")}?`;
  const next = task.changing ? "They take the place of those you submitted before." : task.number < task.of ? `Then comes task ${task.number + 1} of ${task.of}.` : "Then you are done.";
  if (!(await confirmed(title, next))) return;
  const button = $("submit");
  button.disabled = true;
  try {
    await app.sync.flush();
    const { board, last } = app.sync;
    const state = await ask("submit", { board, moves: last });
    app.sync.forget();
    if (state.stage === "sorting" && !task.changing) between(state);
    else await show(state);
  } catch (error) {
    if (error instanceof Ended) ended(error);
    else if (error instanceof Conflict) await conflict(error.message);
    else if (error instanceof NotNow) say("No connection just now. Your groups are kept; try again in a moment.");
    else throw error;
  } finally {
    button.disabled = false;
  }
}

/** A rest between two tasks. */
function between(state) {
  const { task } = state;
  const texts = [task.text];
  if (task.again) texts.push("You have sorted under this rule before. Sort as you feel today; you need not remember what you did.");
  notice(`Task ${task.number} of ${task.of}`, ["Thank you, that task is done. The next one begins afresh:", ...texts], [["Begin", () => show(state)]]);
}

/** Nobody looks at the page any more. */
function pause() {
  if (app.sync) navigator.sendBeacon("pause");
}

clicks();
dragging(app, act);
keys(app, act);
looking(app, () => app.sort && draw(app));
document.addEventListener("visibilitychange", async () => {
  if (document.hidden) {
    pause();
    return;
  }
  // Whatever changed while nobody looked: at another device, or by the researcher.
  const { sync } = app;
  if (!sync || sync.waiting.length > 0) return;
  try {
    const state = await ask("state");
    if (app.sync !== sync || sync.waiting.length > 0) return;
    if (state.board !== sync.board || state.moves.length !== sync.stored) await show(state);
  } catch (error) {
    if (error instanceof Ended) ended(error);
  }
});
addEventListener("pagehide", pause);
addEventListener("pageshow", (event) => {
  if (event.persisted) start();
});
start();
