// The router: every page is a real URL, filters are query parameters, so that what is seen can be sent to a colleague.
// Links are plain <a href>; one listener on the document turns those within the page into navigation.

import { signal } from "@preact/signals";

export interface Place {
  path: string;
  query: URLSearchParams;
}

function read(): Place {
  return { path: window.location.pathname, query: new URLSearchParams(window.location.search) };
}

export const here = signal<Place>(read());

// How the place was come to: a new page begins at its top and is announced, an old one is as it was left.
export const arrival = signal<{ count: number; back: boolean }>({ count: 0, back: false });

type Query = Record<string, string | string[] | undefined>;

/** href writes a URL; parameters that are undefined or empty are left out. */
export function href(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== "") {
        params.append(name, one);
      }
    }
  }
  const text = params.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** go navigates. With replace the place before is forgotten: for filters while they are typed. */
export function go(to: string, replace = false): void {
  keepScroll();
  const samePath = new URL(to, window.location.href).pathname === here.value.path;
  if (replace) {
    window.history.replaceState(window.history.state, "", to);
  } else {
    window.history.pushState(null, "", to);
  }
  here.value = read();
  if (!samePath) {
    window.scrollTo(0, 0);
    arrival.value = { count: arrival.value.count + 1, back: false };
  }
}

/** change sets parameters of the place that is shown; an empty or undefined one is taken out. */
export function change(query: Query, replace = false): void {
  const params = new URLSearchParams(here.value.query);
  for (const [name, value] of Object.entries(query)) {
    params.delete(name);
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== "") {
        params.append(name, one);
      }
    }
  }
  const text = params.toString();
  go(text === "" ? here.value.path : `${here.value.path}?${text}`, replace);
}

/** listen starts to follow links and the browser's buttons. */
export function listen(): void {
  window.history.scrollRestoration = "manual";
  window.addEventListener("popstate", (event) => {
    here.value = read();
    arrival.value = { count: arrival.value.count + 1, back: true };
    restoreScroll(scrollOf(event.state));
  });
  window.addEventListener("pagehide", keepScroll);
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) {
      return;
    }
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!(link instanceof HTMLAnchorElement) || link.target !== "" || link.hasAttribute("download") || link.origin !== window.location.origin) {
      return;
    }
    if (link.pathname.startsWith("/api/") || link.pathname === "/metrics") {
      return;
    }
    if (link.hash !== "" && link.pathname === here.value.path && link.search === window.location.search) {
      return;
    }
    event.preventDefault();
    go(link.pathname + link.search);
  });
}

function keepScroll(): void {
  window.history.replaceState({ scroll: window.scrollY }, "");
}

function scrollOf(state: unknown): number {
  if (typeof state === "object" && state !== null && "scroll" in state && typeof state.scroll === "number") {
    return state.scroll;
  }
  return 0;
}

// What was seen is drawn anew after a step back, and grows as it comes; it is scrolled to once it is tall enough.
function restoreScroll(to: number): void {
  let tries = 60;
  const attempt = (): void => {
    window.scrollTo(0, to);
    tries -= 1;
    if (Math.abs(window.scrollY - to) > 1 && tries > 0) {
      window.requestAnimationFrame(attempt);
    }
  };
  window.requestAnimationFrame(attempt);
}
