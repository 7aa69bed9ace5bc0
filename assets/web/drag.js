// Dragging with mouse, pen or finger. A finger that moves along the direction in which a place scrolls scrolls it;
// across it, or after a moment's rest, it drags.

import { $, el, noClick } from "./dom.js";
import { source } from "./view.js";

const THRESHOLD = { mouse: 6, pen: 8, touch: 10 };
const REST_MS = 350;
const EDGE = 56;

/** `act` has `toggle(picture)`, `drop(pictures, place)` and `reorder(pile, place)`. */
export function dragging(app, act) {
  let start = null;
  let drag = null;

  addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary || drag || app.busy()) return;
    const picture = event.target.closest?.("[data-picture]");
    const head = picture ? null : event.target.closest?.(".pile .head, .faces");
    if (!picture && !head) return;
    const number = picture && Number(picture.dataset.picture);
    const pile = (picture ?? head).closest(".pile");
    start = { x: event.clientX, y: event.clientY, kind: event.pointerType, element: picture ?? head, number, pile: head ? Number(pile.dataset.pile) : null, rested: false };
    if (event.pointerType !== "mouse") {
      start.timer = setTimeout(() => {
        start.rested = true;
        start.element.classList.add("rested");
        navigator.vibrate?.(10);
      }, REST_MS);
    }
  });

  addEventListener("pointermove", (event) => {
    if (!event.isPrimary) return;
    if (drag) {
      move(event);
    } else if (start) {
      const far = Math.hypot(event.clientX - start.x, event.clientY - start.y);
      if (far > (THRESHOLD[start.kind] ?? 8)) begin(event);
    }
  });

  addEventListener("pointerup", (event) => {
    if (!event.isPrimary) return;
    if (drag) {
      end(event);
    } else if (start?.rested && start.number) {
      noClick();
      act.toggle(start.number);
    }
    forget();
  });
  addEventListener("pointercancel", () => {
    cancel();
    forget();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && drag) {
      event.stopImmediatePropagation();
      event.preventDefault();
      cancel();
      forget();
    }
  }, { capture: true });
  // Once a picture is dragged, the place below it must not scroll along.
  document.addEventListener("touchmove", (event) => {
    if (drag || start?.rested) event.preventDefault();
  }, { passive: false });
  document.addEventListener("contextmenu", (event) => {
    if ((start && start.kind !== "mouse") || drag) event.preventDefault();
  });

  function forget() {
    clearTimeout(start?.timer);
    start?.element.classList.remove("rested");
    start = null;
  }

  function begin(event) {
    clearTimeout(start.timer);
    const { number, pile } = start;
    const pictures = number ? (app.picked.has(number) ? app.inOrder(app.picked) : [number]) : [];
    if (!number && app.sort.piles.length < 2) return forget();
    const ghost = el("div", { class: "ghost", "aria-hidden": "true" });
    if (number) {
      const shown = [number, ...pictures.filter((other) => other !== number)].slice(0, 3).reverse();
      for (const picture of shown) ghost.append(el("img", { src: source(app, picture, "small"), alt: "" }));
      if (pictures.length > 1) ghost.append(el("span", { class: "badge" }, String(pictures.length)));
    } else {
      const card = start.element.closest(".pile");
      ghost.classList.add("of-pile");
      ghost.append(card.querySelector(".badge").cloneNode(true), el("span", {}, card.querySelector(".name").textContent));
      card.classList.add("dragged");
    }
    document.body.append(ghost);
    document.body.classList.add("dragging");
    drag = { ghost, pictures, pile, place: null, over: null };
    for (const picture of pictures) {
      document.querySelectorAll(`[data-picture="${picture}"]`).forEach((element) => element.classList.add("dragged"));
    }
    move(event);
  }

  function move(event) {
    event.preventDefault();
    const { clientX: x, clientY: y } = event;
    drag.ghost.style.transform = `translate(${x}px, ${y}px)`;
    drag.at = { x, y };
    mark();
    if (!drag.scrolling) scroll();
  }

  /** Finds what lies below the pointer and shows it. */
  function mark() {
    const { x, y } = drag.at;
    const under = document.elementFromPoint(x, y);
    const place = under?.closest?.("[data-drop]") ?? null;
    drag.over?.classList.remove("over", "before", "after");
    drag.over = null;
    drag.place = null;
    if (drag.pile != null) {
      const card = place?.classList.contains("pile") ? place : null;
      if (!card || Number(card.dataset.pile) === drag.pile) return;
      const box = card.getBoundingClientRect();
      const after = x > box.left + box.width / 2;
      card.classList.add(after ? "after" : "before");
      drag.over = card;
      drag.place = { pile: Number(card.dataset.pile), after };
    } else if (place) {
      place.classList.add("over");
      drag.over = place;
      drag.place = place.dataset.drop;
    }
  }

  /** Near its edge the list of groups scrolls by itself. */
  function scroll() {
    const list = $("groups");
    const step = () => {
      if (!drag) return;
      const box = list.getBoundingClientRect();
      const { x, y } = drag.at;
      const inside = x > box.left && x < box.right;
      const by = !inside ? 0 : y < box.top + EDGE && y > box.top - EDGE ? -8 : y > box.bottom - EDGE && y < box.bottom + EDGE ? 8 : 0;
      if (by !== 0) {
        list.scrollTop += by;
        mark();
      }
      requestAnimationFrame(step);
    };
    drag.scrolling = true;
    requestAnimationFrame(step);
  }

  function end() {
    const { pictures, pile, place } = drag;
    cancel();
    noClick();
    if (place == null) return;
    if (pile != null) act.reorder(pile, place);
    else act.drop(pictures, place);
  }

  function cancel() {
    if (!drag) return;
    drag.ghost.remove();
    drag.over?.classList.remove("over", "before", "after");
    document.querySelectorAll(".dragged").forEach((element) => element.classList.remove("dragged"));
    document.body.classList.remove("dragging");
    drag = null;
  }
}
