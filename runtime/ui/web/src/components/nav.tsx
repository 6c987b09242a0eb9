import { useEffect, useState } from "preact/hooks";

import { del } from "../api/client";
import { line, stop } from "../api/live";
import { session, status } from "../api/session";
import { go, here } from "../lib/router";
import { theme, type Theme } from "../lib/theme";
import { nav } from "../routes";
import { showHelp } from "./help";

const lineWords = { off: "Not live", opening: "Connecting", open: "Live", lost: "Reconnecting" };

/** Nav is the way between the views: beside them where there is room, else behind a button. */
export function Nav() {
  const [open, setOpen] = useState(false);
  const path = here.value.path;
  useEffect(() => setOpen(false), [path]);
  const server = status.value;
  const current = nav.find((item) => path === item.path || path.startsWith(item.path + "/"));
  return (
    <header class={open ? "nav open" : "nav"}>
      <div class="nav-top">
        <a class="brand" href="/" aria-label="flowrun, start">
          <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true">
            <path d="M3 4h3.5c2 0 3 1 3 4s1 4 3 4M3 4h9" />
            <circle cx="3" cy="4" r="2.2" />
            <circle cx="13" cy="12" r="2.2" />
          </svg>
          flowrun
        </a>
        {server !== undefined && <span class={`mode mode-${server.mode}`}>{server.shadow ? "shadow" : server.mode}</span>}
        <button type="button" class="button menu" aria-expanded={open} aria-controls="nav" onClick={() => setOpen(!open)}>
          {current?.label ?? "Menu"}
          <svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
            <path d="M3 6l5 5 5-5" />
          </svg>
        </button>
      </div>
      <nav id="nav" aria-label="Views">
        <ul>
          {nav.map((item) => (
            <li key={item.path}>
              <a href={item.path} aria-current={item === current ? "page" : undefined}>
                {item.label}
                <Hint path={item.path} />
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="nav-foot">
        <p class={`line line-${line.value}`}>
          <span class="dot" aria-hidden="true" />
          {lineWords[line.value]}
        </p>
        <label class="theme">
          <span>Colours</span>
          <select value={theme.value} onChange={(event) => (theme.value = event.currentTarget.value as Theme)}>
            <option value="system">System</option>
            <option value="light">Light</option>
            <option value="dark">Dark</option>
          </select>
        </label>
        <Who />
        <button type="button" class="button quiet keys-button" onClick={showHelp}>
          Keys <kbd>?</kbd>
        </button>
        {server !== undefined && <p class="version">flowrun {server.version}</p>}
      </div>
    </header>
  );
}

/** Hint is a number beside a link that asks to be looked at. */
function Hint({ path }: { path: string }) {
  const counts = status.value?.store_counts.runs;
  const n = path === "/failures" ? counts?.["failed"] : path === "/waiting" ? counts?.["waiting"] : undefined;
  if (n === undefined || n === 0) {
    return null;
  }
  return <span class={path === "/failures" ? "hint-count bad" : "hint-count"}>{n > 9999 ? `${Math.floor(n / 1000)}k` : n}</span>;
}

function Who() {
  const who = session.value;
  if (who === undefined || who === null) {
    return null;
  }
  return (
    <p class="who">
      <span>
        {who.name}
        {who.role === "view" && ", may only look"}
      </span>
      {who.via === "session" && (
        <button
          type="button"
          class="button quiet"
          onClick={() =>
            void del("/api/v1/session").finally(() => {
              stop();
              session.value = null;
              go("/sign-in");
            })
          }
        >
          Sign out
        </button>
      )}
    </p>
  );
}
