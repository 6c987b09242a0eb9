import { signal } from "@preact/signals";

const query = window.matchMedia("(max-width: 760px)");

/** narrow tells whether there is room for one column only; the style sheets break at the same width. */
export const narrow = signal(query.matches);

query.addEventListener("change", () => {
  narrow.value = query.matches;
});
