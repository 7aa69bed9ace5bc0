// Small helpers over the page's elements.

export const $ = (id) => document.getElementById(id);

/** An element with attributes (`onclick` and the like are listeners) and children. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** An icon of the page's own. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/** Sets an attribute where it differs. */
export function set(element, name, value) {
  const text = value === true ? "" : value;
  if (value === false || value == null) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(text)) {
    element.setAttribute(name, text);
  }
}

/** Sets the text where it differs. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes the children of `parent` those of `items`: one element for each, known by `key`, made once and moved only where
 * it must, so that pictures do not flicker and focus stays.
 */
export function keyed(parent, items, key, make, update) {
  const known = (parent.known ??= new Map());
  const wanted = new Set(items.map(key));
  for (const [name, element] of known) {
    if (!wanted.has(name)) {
      element.remove();
      known.delete(name);
    }
  }
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let element = known.get(name);
    if (!element) {
      element = make(item);
      known.set(name, element);
    }
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
    update(element, item);
  }
}

/** The click that may follow a drag is none; what is pressed next is another matter. */
export function noClick() {
  const over = new AbortController();
  const capture = { capture: true, signal: over.signal };
  addEventListener("click", (event) => {
    event.stopPropagation();
    event.preventDefault();
    over.abort();
  }, capture);
  for (const next of ["pointerdown", "keydown"]) addEventListener(next, () => over.abort(), capture);
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Lets a copy of a picture fly from one place to another. */
export function fly(from, to, source) {
  if (calm() || !from || !to || from.width === 0 || to.width === 0) return;
  const ghost = el("img", { class: "flying", src: source, alt: "", "aria-hidden": "true" });
  const side = Math.min(to.width, to.height, 64);
  Object.assign(ghost.style, {
    left: `${from.left}px`, top: `${from.top}px`, width: `${from.width}px`, height: `${from.height}px`,
  });
  document.body.append(ghost);
  const x = to.left + to.width / 2 - (from.left + from.width / 2);
  const y = to.top + to.height / 2 - (from.top + from.height / 2);
  const scale = side / Math.max(from.width, from.height);
  const animation = ghost.animate(
    [{ transform: "none", opacity: 0.9 }, { transform: `translate(${x}px, ${y}px) scale(${scale})`, opacity: 0.3 }],
    { duration: 180, easing: "cubic-bezier(0.3, 0, 0.2, 1)" },
  );
  animation.onfinish = animation.oncancel = () => ghost.remove();
}
