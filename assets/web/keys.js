// The keyboard: everything that hands can do.

import { $ } from "./dom.js";

/** What the keys do, for the page of help. */
export const KEYS = [
  ["Arrows", "go from picture to picture and to the groups"],
  ["1 – 9", "put the picture into that group; with more than nine groups, the number, then Enter"],
  ["N", "new group"],
  ["Enter", "choose a picture of an open group, or put the picture into the group"],
  ["Space", "look large; on a group, show all of it"],
  ["Delete", "take back: no group"],
  ["L", "leave out, where that is allowed"],
  ["M", "put all of a group into another"],
  ["F2", "rename a group"],
  ["Alt + ← →", "move a group among the groups"],
  ["Ctrl + Z", "undo; with Shift, or Ctrl + Y, redo"],
  ["+  −", "size of the small pictures"],
  ["Esc", "choose none, close"],
];

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function keys(app, act) {
  let digits = "";
  let patience;

  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || $("app").hidden) return;
    const { key } = event;
    const control = event.ctrlKey || event.metaKey;
    if (event.target.matches?.("input")) return;
    const large = $("large").open;
    if (!large && document.querySelector("dialog[open]")) return;
    const did = control ? withControl(event) : event.altKey ? withAlt(event) : plain(event, large);
    if (did) event.preventDefault();
    if (!/^\d$/.test(key)) forgetDigits();
  });

  function withControl(event) {
    const key = event.key.toLowerCase();
    if (key === "z") return event.shiftKey ? act.redo() : act.undo();
    if (key === "y") return act.redo();
    if (key === "a") return act.pickAll();
    return false;
  }

  function withAlt(event) {
    const pile = focusedPile();
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!pile || !by) return false;
    act.shift(pile, by);
    return true;
  }

  function plain(event, large) {
    const { key } = event;
    if (/^\d$/.test(key)) return digit(key);
    if (large) {
      if (key === "ArrowLeft") return act.lookFurther(-1);
      if (key === "ArrowRight") return act.lookFurther(1);
      if (key === " " || key === "Enter") return act.lookNoMore();
    }
    if (ARROWS[key] && !large) return go(...ARROWS[key]);
    const onButton = event.target.matches?.("button, a");
    const onPicture = event.target.matches?.(".picture");
    const onPile = event.target.matches?.(".put");
    switch (key) {
      case "Enter":
        if (digits !== "") return digit(null);
        // A button takes Enter itself.
        if (onButton) return false;
        return act.pickHand();
      case " ":
        if (onPile) return act.open(focusedPile());
        if (onButton && !onPicture) return false;
        return act.look();
      case "n":
      case "N":
        return act.newPile();
      case "Delete":
      case "Backspace":
        return act.takeBack();
      case "l":
      case "L":
        return act.leaveOut();
      case "m":
      case "M":
        return act.merge(focusedPile());
      case "F2":
        return act.rename(focusedPile());
      case "+":
      case "=":
        return act.resize(1);
      case "-":
        return act.resize(-1);
      case "?":
        return act.help();
      case "Escape":
        return act.escape();
      default:
        return false;
    }
  }

  function forgetDigits() {
    clearTimeout(patience);
    digits = "";
  }

  /** With nine groups or fewer a digit acts at once; with more, Enter ends the number. */
  function digit(key) {
    if (key !== null) digits = (digits + key).slice(-3);
    const groups = app.sort.piles.length;
    if (groups > 9 && key !== null) {
      act.say(`Group ${digits} – Enter`);
      clearTimeout(patience);
      patience = setTimeout(forgetDigits, 3000);
      return true;
    }
    const number = Number(digits);
    forgetDigits();
    if (number >= 1 && number <= groups) act.put(app.sort.piles[number - 1].id);
    else if (number > 0) act.say(`There is no group ${number}.`);
    return true;
  }

  /** The group that has the focus, or whose picture has it, or that is open. */
  function focusedPile() {
    const card = document.activeElement?.closest?.(".pile");
    const id = card ? Number(card.dataset.pile) : typeof app.opened === "number" ? app.opened : null;
    return id != null && app.sort.pile(id) ? id : null;
  }

  /** Moves the focus to the nearest picture or group in that direction. */
  function go(right, down) {
    const all = [...document.querySelectorAll("[data-nav]")].filter((element) => element.offsetParent !== null);
    const focused = document.activeElement?.closest?.("[data-nav]");
    const current = focused && all.includes(focused) ? focused : $("rest").querySelector("[tabindex='0']");
    if (!current) {
      all[0]?.focus();
      return true;
    }
    if (!focused) {
      focus(current);
      if (right === 0) return true;
    }
    const from = current.getBoundingClientRect();
    let best = null;
    let least = Infinity;
    for (const element of all) {
      if (element === current) continue;
      const to = element.getBoundingClientRect();
      const x = to.left + to.width / 2 - (from.left + from.width / 2);
      const y = to.top + to.height / 2 - (from.top + from.height / 2);
      const along = right !== 0 ? x * right : y * down;
      const across = Math.abs(right !== 0 ? y : x);
      const overlap = right !== 0 ? to.top < from.bottom && to.bottom > from.top : to.left < from.right && to.right > from.left;
      if (along <= 2) continue;
      const distance = along + across * (overlap ? 0.5 : 4);
      if (distance < least) [best, least] = [element, distance];
    }
    if (best) focus(best);
    return true;
  }

  function focus(element) {
    element.focus({ preventScroll: false });
    element.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (element.dataset.from === "tray" && app.picked.size === 0) act.makeCurrent(Number(element.dataset.picture));
    else act.lookedElsewhere();
  }
}
