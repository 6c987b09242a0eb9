// The frame around every view: navigation, what everybody must know (a refused reload, calls that are held back, a
// server that does not answer), the keyboard, and messages.

import { useEffect, useState } from "preact/hooks";

import { session } from "./api/session";
import { Banners } from "./components/banners";
import { Help } from "./components/help";
import { Nav } from "./components/nav";
import { Toasts } from "./components/toast";
import { Loading, Page } from "./components/ui";
import { bind } from "./lib/keys";
import { go, here } from "./lib/router";
import { nav, type Route, routes, type View } from "./routes";

const loaded = new Map<Route, View>();

function match(path: string): { route: Route; params: string[] } | undefined {
  for (const route of routes) {
    const groups = route.pattern.exec(path);
    if (groups !== null) {
      return { route, params: groups.slice(1).map(decode) };
    }
  }
  return undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function App() {
  const place = here.value;
  useEffect(() => bind(nav.map((item) => ({ keys: `g ${item.key}`, what: `go to ${item.label}`, run: () => go(item.path) }))), []);
  if (place.path === "/sign-in") {
    return <Outlet path={place.path} />;
  }
  if (session.value === null) {
    return null; // the way to the sign-in is taken
  }
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Nav />
      <div class="content">
        <Banners />
        <main id="main" tabIndex={-1}>
          <Outlet path={place.path} />
        </main>
      </div>
      <Toasts />
      <Help />
    </div>
  );
}

/** Outlet shows the view of a path. */
function Outlet({ path }: { path: string }) {
  const found = match(path);
  const [, redraw] = useState(0);
  const [failed, setFailed] = useState(false);
  const route = found?.route;

  useEffect(() => {
    if (route?.load === undefined || loaded.has(route)) {
      return undefined;
    }
    let gone = false;
    setFailed(false);
    route.load().then(
      (module) => {
        loaded.set(route, module.default);
        if (!gone) {
          redraw((n) => n + 1);
        }
      },
      () => !gone && setFailed(true),
    );
    return () => {
      gone = true;
    };
  }, [route]);

  if (found === undefined) {
    return (
      <Page title="Nothing here">
        <p>There is no page at {path}.</p>
        <p>
          <a href="/runs">See the runs</a>
        </p>
      </Page>
    );
  }
  const Shown = found.route.view ?? loaded.get(found.route);
  if (Shown !== undefined) {
    return <Shown key={found.route.pattern.source} params={found.params} />;
  }
  if (failed) {
    return (
      <Page title="This part did not load">
        <p>The server may have been updated since this tab was opened.</p>
        <p>
          <button type="button" class="button primary" onClick={() => window.location.reload()}>
            Load the page anew
          </button>
        </p>
      </Page>
    );
  }
  return <Loading what="Loading" />;
}
