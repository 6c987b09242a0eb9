// The keyboard: single keys and pairs such as "g r". A key that somebody types into a field is theirs, and a dialog has
// the keyboard for itself.

export interface Shortcut {
  keys: string; // "j", "g r", "?"
  what: string;
  run: () => void;
}

const shortcuts = new Set<Shortcut>();
let first = "";
let forget = 0;

/** bind adds shortcuts until the returned function is called; the newest of the same keys wins. */
export function bind(list: Shortcut[]): () => void {
  list.forEach((one) => shortcuts.add(one));
  return () => list.forEach((one) => shortcuts.delete(one));
}

/** bound returns what can be pressed now, the newest of the same keys only. */
export function bound(): Shortcut[] {
  return [...new Map([...shortcuts].map((one) => [one.keys, one])).values()];
}

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}

/** listen starts to follow the keyboard. */
export function listen(): void {
  document.addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented) {
      return;
    }
    if (typing(event.target)) {
      if (event.key === "Escape" && event.target instanceof HTMLElement) {
        event.target.blur();
      }
      return;
    }
    if (event.key === "Enter" || document.querySelector("dialog[open]") !== null) {
      return; // what has the focus knows what to do
    }
    const keys = first === "" ? event.key : `${first} ${event.key}`;
    first = "";
    window.clearTimeout(forget);
    const all = bound();
    const hit = all.find((one) => one.keys === keys) ?? all.find((one) => one.keys === event.key);
    if (hit !== undefined) {
      event.preventDefault();
      hit.run();
    } else if (all.some((one) => one.keys.startsWith(event.key + " "))) {
      first = event.key;
      forget = window.setTimeout(() => (first = ""), 1200);
    }
  });
}
