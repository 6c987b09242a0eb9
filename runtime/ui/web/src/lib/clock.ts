// One clock for all that is told as "12 s ago". It ticks each second while the page is seen.

import { signal } from "@preact/signals";

export const now = signal(Date.now());

/** tick starts the clock. */
export function tick(): void {
  window.setInterval(() => {
    if (!document.hidden) {
      now.value = Date.now();
    }
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    now.value = Date.now();
  });
}
