// What covers the board for a moment: the introduction, help, a picture looked at large, the question before submitting.

import { $, el, noClick } from "./dom.js";
import { KEYS } from "./keys.js";
import { store } from "./sync.js";
import { nameOf, source } from "./view.js";

const SEEN = "atmoscope introduction";

/** What a rater is told before beginning: the task itself, then how the board is used under its rules. */
const steps = ({ state: { task, rater } }) => [
  [
    "Your task",
    `${task.text} You sort as ${rater}.`,
    `<svg viewBox="0 0 240 120" aria-hidden="true"><rect class="d-card d-on" x="28" y="24" width="84" height="72" rx="6"/><rect class="d-card" x="128" y="24" width="84" height="72" rx="6"/><g class="d-small"><rect x="38" y="36" width="22" height="22" rx="3"/><rect x="66" y="36" width="22" height="22" rx="3"/><rect x="138" y="36" width="22" height="22" rx="3"/></g></svg>`,
  ],
  [
    "Look at a picture",
    "Which atmosphere does it have? There is no right or wrong: go by how it feels to you. The magnifying glass shows it large.",
    `<svg viewBox="0 0 240 120" aria-hidden="true"><rect class="d-tray" x="70" y="12" width="100" height="74" rx="6"/><circle class="d-sun" cx="143" cy="36" r="9"/><path class="d-hill" d="M78 78l26-30 20 20 12-12 26 22z"/><g class="d-small"><rect x="70" y="94" width="16" height="16" rx="3"/><rect x="91" y="94" width="16" height="16" rx="3"/><rect x="112" y="94" width="16" height="16" rx="3"/><rect x="133" y="94" width="16" height="16" rx="3"/><rect x="154" y="94" width="16" height="16" rx="3"/></g></svg>`,
  ],
  [
    "Put it where it belongs",
    task.rules.own_groups
      ? "Tap the group with the same atmosphere, or “New group”. You can drag it too. Open a group to see all of it, to choose several pictures, to rename or split it. Undo takes anything back."
      : "Tap the group with the same atmosphere, or drag the picture there. Open a group to see all of it and to choose several pictures. Undo takes anything back.",
    `<svg viewBox="0 0 240 120" aria-hidden="true"><rect class="d-tray" x="18" y="34" width="68" height="52" rx="6"/><path class="d-arrow" d="M96 60h30M117 51l9 9-9 9"/><rect class="d-card d-on" x="138" y="10" width="84" height="46" rx="6"/><rect class="d-card" x="138" y="64" width="84" height="46" rx="6"/><g class="d-small"><rect x="146" y="26" width="22" height="22" rx="3"/><rect x="172" y="26" width="22" height="22" rx="3"/><rect x="146" y="80" width="22" height="22" rx="3"/></g></svg>`,
  ],
  [
    "Take your time",
    `Everything is saved as you go. You may close this page and come back with the same link whenever you like. ${
      task.rules.leave_out ? "When each picture has a group or is left out, submit." : "When all pictures have a group, submit."
    }`,
    `<svg viewBox="0 0 240 120" aria-hidden="true"><circle class="d-tray" cx="120" cy="60" r="42"/><path class="d-arrow" d="M100 61l14 14 27-30"/></svg>`,
  ],
];

/** Shows the introduction, once for each rater of this browser and task; resolves when it is over. */
export function introduce(app, always = false) {
  const STEPS = steps(app);
  const seen = `${SEEN} ${app.state.board}`;
  if (!always && store.get(seen) !== null) return Promise.resolve();
  const dialog = $("intro");
  let step = 0;
  const show = () => {
    const [title, text, drawing] = STEPS[step];
    $("intro-title").textContent = title;
    $("intro-text").textContent = text;
    $("intro-drawing").innerHTML = drawing;
    $("intro-dots").replaceChildren(...STEPS.map((_, at) => el("span", { "data-on": at === step })));
    $("intro-next").textContent = step === STEPS.length - 1 ? "Start" : "Next";
    $("intro-skip").hidden = step === STEPS.length - 1;
  };
  $("intro-next").onclick = () => {
    step += 1;
    if (step < STEPS.length) show();
    else dialog.close();
  };
  $("intro-skip").onclick = () => dialog.close();
  show();
  dialog.showModal();
  $("intro-next").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      store.set(seen, "yes");
      resolve();
    }, { once: true });
  });
}

/** Shows what there is to know. */
export function help(app) {
  const text = $("helping-text");
  const rows = KEYS.map(([keys, what]) => el("tr", {}, el("th", { scope: "row" }, keys), el("td", {}, what)));
  text.replaceChildren(
    el("p", {}, app.state.task.text),
    el("p", {}, `You sort as ${app.state.rater}.`),
    el("p", {}, "Tap a picture, then the group it belongs to, or drag it there. Hold a picture for a moment to choose several. Open a group with the arrow at its corner to choose pictures in it, rename it, put it into another, or take it apart. Drag a group by its head to move it among the others."),
    el("p", {}, "Everything is saved as you go. Without a connection your moves are kept in this browser and sent later."),
    el("table", { class: "keys" }, el("caption", {}, "Keys"), el("tbody", {}, ...rows)),
  );
  const dialog = $("helping");
  $("helping-close").onclick = () => dialog.close();
  $("helping-intro").onclick = () => {
    dialog.close();
    introduce(app, true);
  };
  dialog.showModal();
  $("helping-close").focus();
  text.scrollTop = 0;
}

/** Asks before submitting; resolves with the answer. */
export function confirmed(title, text) {
  const dialog = $("confirm");
  $("confirm-title").textContent = title;
  $("confirm-text").textContent = text;
  let yes = false;
  $("confirm-yes").onclick = () => {
    yes = true;
    dialog.close();
  };
  $("confirm-no").onclick = () => dialog.close();
  dialog.showModal();
  $("confirm-no").focus();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(yes), { once: true }));
}

/** The pictures that the large one is shown among: where it lies. */
function neighbours(app, picture) {
  const { sort } = app;
  if (sort.tray.includes(picture)) return sort.tray;
  if (sort.leftOut.includes(picture)) return sort.leftOut;
  return sort.pileOf(picture)?.images ?? [picture];
}

/** Shows a picture as large as the window. */
export function look(app, picture) {
  const dialog = $("large");
  app.looked = picture;
  const among = neighbours(app, picture);
  const large = $("large-image");
  $("large-small").src = source(app, picture, "small");
  large.classList.remove("there");
  large.onload = () => large.classList.add("there");
  large.src = source(app, picture, "large");
  large.alt = `Picture ${picture}`;
  const pile = app.sort.pileOf(picture);
  $("large-words").textContent = pile
    ? nameOf(app, pile)
    : app.sort.leftOut.includes(picture)
      ? "Left out"
      : "No group yet";
  $("large-back").disabled = among[0] === picture;
  $("large-next").disabled = among.at(-1) === picture;
  if (!dialog.open) {
    dialog.showModal();
    $("large-close").focus();
  }
}

/** Goes to the next picture of the same place, or the one before. */
export function lookFurther(app, by) {
  const among = neighbours(app, app.looked);
  const next = among[among.indexOf(app.looked) + by];
  if (next) look(app, next);
}

export function lookNoMore() {
  $("large").close();
}

/** Prepares the large view: its buttons, and swiping. */
export function looking(app, closed) {
  const dialog = $("large");
  let swipe = null;
  $("large-close").onclick = lookNoMore;
  $("large-back").onclick = () => lookFurther(app, -1);
  $("large-next").onclick = () => lookFurther(app, 1);
  dialog.addEventListener("click", (event) => {
    if (!event.target.closest("button")) lookNoMore();
  });
  dialog.addEventListener("pointerdown", (event) => {
    swipe = event.isPrimary ? event.clientX : null;
  });
  dialog.addEventListener("pointerup", (event) => {
    const by = swipe === null ? 0 : event.clientX - swipe;
    swipe = null;
    if (Math.abs(by) < 40 || visualViewport?.scale > 1.05) return;
    noClick();
    lookFurther(app, by < 0 ? 1 : -1);
  });
  dialog.addEventListener("close", () => {
    app.looked = null;
    closed();
  });
}
