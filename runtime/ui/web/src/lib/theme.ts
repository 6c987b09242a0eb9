// Light and dark: as the system says, unless the reader said otherwise on this machine.

import { effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const key = "flowrun.theme";

function stored(): Theme {
  // A browser may keep nothing for this page, and say so by an exception.
  try {
    const value = window.localStorage.getItem(key);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system";
  }
}

export const theme = signal<Theme>(stored());

/** follow writes the theme to the document whenever it changes. */
export function follow(): void {
  effect(() => {
    const value = theme.value;
    if (value === "system") {
      delete document.documentElement.dataset["theme"];
    } else {
      document.documentElement.dataset["theme"] = value;
    }
    try {
      window.localStorage.setItem(key, value);
    } catch {
      // Then it holds until the page is left.
    }
  });
}
