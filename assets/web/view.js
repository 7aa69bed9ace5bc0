// Draws the board. What was drawn before is changed only where it differs, so that nothing flickers or jumps.

import { $, el, icon, keyed, set, write } from "./dom.js";

/** Least sides of small pictures, in CSS pixels. */
const SIDES = [44, 58, 96];
const SIDES_ON_PHONES = [36, 48, 76];
const GAP = 4;

/** Where a picture of the current sort is. */
export const source = (app, picture, size) => `pictures/${picture}/${size}?of=${app.state.board}`;

export const countOf = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** "Group 3" or "Group 3, calm". */
export function nameOf(app, pile) {
  const number = app.sort.piles.indexOf(pile) + 1;
  return pile.name ? `Group ${number}, ${pile.name}` : `Group ${number}`;
}

export function draw(app) {
  const { sort, state } = app;
  const breaches = sort.breaches();
  drawHead(app);
  drawTray(app);
  drawPiles(app, breaches);
  drawLeftOut(app);
  drawStanding(app, breaches);
  drawPicked(app);
  drawHeld(app);
  write($("task"), state.task.text);
}

function drawHead(app) {
  const { task } = app.state;
  write($("number"), task.of > 1 ? `Task ${task.number} of ${task.of}` : app.state.study);
  $("undo").disabled = !app.sort.canUndo;
  $("redo").disabled = !app.sort.canRedo;
  set($("several"), "aria-pressed", String(app.several));
  document.title = `${app.state.study} – sorting pictures`;
}

function pictureButton(app, picture, from) {
  const image = el("img", { src: source(app, picture, "small"), alt: `Picture ${picture}`, draggable: "false", loading: "lazy", decoding: "async" });
  return el("button", { class: "picture", "data-picture": picture, "data-from": from, "data-nav": true }, image);
}

function drawTray(app) {
  const { tray } = app.sort;
  const { current } = app;
  const empty = tray.length === 0;
  set($("tray"), "data-empty", empty ? "yes" : "no");
  $("tray-empty").hidden = !empty;
  $("current").hidden = empty;
  $("rest").hidden = empty;
  $("leave").hidden = !app.state.task.rules.leave_out;
  keyed(
    $("rest"),
    tray,
    (picture) => picture,
    (picture) => pictureButton(app, picture, "tray"),
    (element, picture) => {
      set(element, "tabindex", picture === current ? "0" : "-1");
      set(element, "aria-current", picture === current ? "true" : null);
      set(element, "aria-pressed", app.picked.size > 0 ? String(app.picked.has(picture)) : null);
    },
  );
  if (empty) return;
  const stage = $("stage");
  if (stage.dataset.picture !== String(current)) {
    stage.dataset.picture = current;
    const [small, large] = [$("current-small"), $("current-large")];
    small.src = source(app, current, "small");
    small.alt = `Picture ${current}`;
    large.classList.remove("there");
    large.src = source(app, current, "large");
    set(stage, "data-shape", String(state(app, current)));
    reveal(app, $("rest").known.get(current));
    // The next ones are there before they are asked for.
    const at = tray.indexOf(current);
    app.ahead = [1, 2].map((step) => tray[(at + step) % tray.length]).map((picture) => {
      const image = new Image();
      image.src = source(app, picture, "large");
      return image;
    });
  }
}

const state = (app, picture) => app.state.shapes[picture - 1];

/** Scrolls the strip, and nothing else, so that the picture is seen. */
function reveal(app, element) {
  if (!element) return;
  const strip = $("rest");
  const [outer, inner] = [strip.getBoundingClientRect(), element.getBoundingClientRect()];
  const margin = 40;
  if (inner.left < outer.left + margin) strip.scrollLeft -= outer.left + margin - inner.left;
  else if (inner.right > outer.right - margin) strip.scrollLeft += inner.right - outer.right + margin;
  if (inner.top < outer.top + 4) strip.scrollTop -= outer.top + 4 - inner.top;
  else if (inner.bottom > outer.bottom - 4) strip.scrollTop += inner.bottom - outer.bottom + 4;
}

/** How many columns of cards fit, and how many columns and rows of small pictures into each. */
function measure(app) {
  const width = $("piles").clientWidth;
  const narrow = width < 520;
  // Large windows have room for larger pictures, not only for more of them.
  const scale = Math.min(1.7, Math.max(1, width / 850));
  const side = Math.round((narrow ? SIDES_ON_PHONES : SIDES)[app.size] * scale);
  const [padding, gap] = [16, narrow ? 8 : 12];
  const least = 3 * side + 2 * GAP + padding;
  const columns = Math.max(1, Math.floor((width + gap) / (least + gap)));
  const inner = (width - (columns - 1) * gap) / columns - padding;
  const faces = Math.max(1, Math.floor((inner + GAP) / (side + GAP)));
  const face = Math.floor(((inner - (faces - 1) * GAP) / faces) * 100) / 100;
  // Three rows where two cards fit below each other with them.
  const rows = !narrow && 2 * (3 * (face + GAP) + 48 + gap) + 60 <= $("groups").clientHeight ? 3 : 2;
  return { columns, faces, rows, face, spread: narrow ? Math.round(width / 3.4) : Math.max(108, Math.round(side * 1.8)) };
}

function drawPiles(app, breaches) {
  const { sort } = app;
  const { columns, faces, rows, face, spread } = measure(app);
  const list = $("piles");
  list.style.setProperty("--columns", columns);
  list.style.setProperty("--faces", faces);
  list.style.setProperty("--face", `${face}px`);
  list.style.setProperty("--rows", rows);
  $("groups").style.setProperty("--spread", `${spread}px`);
  $("new").hidden = !app.state.task.rules.own_groups;
  const hint = $("first-hint");
  hint.hidden = sort.piles.length > 0;
  write(hint, "No groups yet. Look at the picture, then make the first group for it.");
  const troubled = new Set(breaches.flatMap((breach) => breach.piles));
  keyed(
    list,
    sort.piles,
    (pile) => pile.id,
    () => makePile(),
    (element, pile) => drawPile(app, element, pile, troubled.has(pile.id), faces * rows),
  );
}

function makePile() {
  const put = el(
    "button",
    { class: "put", "data-nav": true },
    el("span", { class: "badge" }),
    el("span", { class: "name" }),
    el("span", { class: "count" }),
  );
  const open = el("button", { class: "open tool" }, icon("spread"));
  const head = el("div", { class: "head" }, put, open);
  const faces = el("div", { class: "faces" });
  const tools = el("div", { class: "pile-tools", role: "toolbar", "aria-label": "This group", hidden: true });
  for (const [what, name, words] of [
    ["rename", "name", "Rename"],
    ["merge", "merge", "Merge"],
    ["apart", "apart", "Take apart"],
    ["earlier", "back", "Earlier"],
    ["later", "next", "Later"],
  ]) {
    tools.append(el("button", { "data-do": what, title: words }, icon(name), el("span", {}, words)));
  }
  const spread = el("div", { class: "spread", hidden: true });
  return el("li", { class: "pile" }, head, tools, faces, spread);
}

function drawPile(app, element, pile, troubled, room) {
  const { sort, opened } = app;
  const number = sort.piles.indexOf(pile) + 1;
  const isOpen = opened === pile.id;
  element.dataset.pile = pile.id;
  element.dataset.drop = `pile ${pile.id}`;
  set(element, "data-open", isOpen ? "yes" : "no");
  set(element, "data-trouble", troubled ? "yes" : "no");
  set(element, "data-merging", app.merging === pile.id ? "yes" : null);
  const [put, open] = [element.querySelector(".put"), element.querySelector(".open")];
  write(put.querySelector(".badge"), String(number));
  write(put.querySelector(".name"), pile.name);
  write(put.querySelector(".count"), String(pile.images.length));
  const label = `${nameOf(app, pile)}, ${countOf(pile.images.length, "picture")}`;
  set(put, "aria-label", label);
  set(put, "title", pile.name || null);
  set(open, "aria-expanded", String(isOpen));
  set(open, "aria-label", isOpen ? `Close group ${number}` : `Show all of group ${number}`);
  set(open, "title", isOpen ? "Close" : "Show all");
  set(open.querySelector("use"), "href", isOpen ? "#i-fold" : "#i-spread");
  const [tools, faces, spread] = [element.children[1], element.children[2], element.children[3]];
  tools.hidden = !isOpen;
  faces.hidden = isOpen;
  spread.hidden = !isOpen;
  if (isOpen) {
    const can = { rename: !pile.given, merge: sort.piles.length > 1, apart: pile.images.length > 0 || !pile.given, earlier: number > 1, later: number < sort.piles.length };
    for (const button of tools.children) button.disabled = !can[button.dataset.do];
    drawSpread(app, spread, pile.images, `pile ${pile.id}`);
  } else {
    drawFaces(app, faces, pile.images, room);
  }
}

/** The newest pictures of a pile that fit; the first cell says how many more there are. */
function drawFaces(app, faces, images, room) {
  const hidden = images.length > room ? images.length - room + 1 : 0;
  const items = images.slice(hidden).map((picture) => ({ picture }));
  if (hidden > 0) items.unshift({ more: hidden });
  keyed(
    faces,
    items,
    (item) => item.picture ?? "more",
    (item) =>
      item.picture
        ? el("img", { class: "face", src: source(app, item.picture, "small"), alt: "", draggable: "false", "data-picture": item.picture, decoding: "async" })
        : el("span", { class: "face more" }),
    (element, item) => {
      if (item.more) write(element, `+${item.more}`);
    },
  );
}

function drawSpread(app, spread, images, from) {
  keyed(
    spread,
    images,
    (picture) => picture,
    (picture) => pictureButton(app, picture, from),
    (element, picture) => {
      set(element, "data-from", from);
      set(element, "aria-pressed", String(app.picked.has(picture)));
    },
  );
}

function drawLeftOut(app) {
  const { leftOut } = app.sort;
  $("out").hidden = !app.state.task.rules.leave_out;
  write($("out-count"), String(leftOut.length));
  const isOpen = app.opened === "out" && leftOut.length > 0;
  set($("out-head"), "aria-expanded", String(isOpen));
  set($("out"), "data-open", isOpen ? "yes" : "no");
  $("out-pictures").hidden = !isOpen;
  drawSpread(app, $("out-pictures"), isOpen ? leftOut : [], "out");
}

function drawStanding(app, breaches) {
  const { sort } = app;
  const placed = sort.pictures - sort.tray.length;
  const bar = $("progress");
  set(bar, "aria-valuemax", sort.pictures);
  set(bar, "aria-valuenow", placed);
  bar.firstElementChild.style.transform = `scaleX(${placed / Math.max(1, sort.pictures)})`;
  write($("placed"), `${placed} of ${sort.pictures} placed`);
  const words = breaches.map((breach) => breach.words);
  write($("standing"), words.length > 0 ? `${capital(words.join("; "))}.` : "All done – you can submit.");
  set($("standing"), "data-done", words.length === 0 ? "yes" : "no");
  set($("submit"), "aria-disabled", words.length > 0 ? "true" : null);
}

function drawPicked(app) {
  const { picked } = app;
  $("picked").hidden = picked.size === 0;
  set($("groups"), "data-picking", picked.size > 0 ? "yes" : "no");
  if (picked.size === 0) return;
  write($("picked-count"), `${picked.size} chosen`);
  $("picked-new").hidden = !app.state.task.rules.own_groups;
  $("picked-tray").disabled = [...picked].every((picture) => app.sort.tray.includes(picture));
  $("picked-out").hidden = !app.state.task.rules.leave_out;
  $("picked-out").disabled = [...picked].every((picture) => app.sort.leftOut.includes(picture));
}

/** Marks the pictures that the next move is about. */
export function drawHeld(app) {
  const held = new Set(app.hand());
  for (const element of document.querySelectorAll("#rest .picture, .spread .picture, .face[data-picture]")) {
    element.classList.toggle("held", held.has(Number(element.dataset.picture)));
  }
  $("stage").classList.toggle("held", held.has(app.current));
}
