// Which view is at which path. What is looked at all day comes with the page; the rest is loaded when it is first shown.

import type { ComponentType } from "preact";

import EventView from "./views/event";
import Events from "./views/events";
import Home from "./views/home";
import Runs from "./views/runs";
import SignIn from "./views/sign-in";

export interface ViewProps {
  params: string[]; // decoded
}

export type View = ComponentType<ViewProps>;

export interface Route {
  pattern: RegExp; // its groups are the view's parameters
  view?: View;
  load?: () => Promise<{ default: View }>; // where there is no view
}

export interface NavItem {
  path: string;
  label: string;
  key: string; // pressed after "g"
}

export const routes: Route[] = [
  { pattern: /^\/$/, view: Home },
  { pattern: /^\/runs$/, view: Runs },
  { pattern: /^\/runs\/([^/]+)$/, load: () => import("./views/run") },
  { pattern: /^\/events$/, view: Events },
  { pattern: /^\/events\/([^/]+)$/, view: EventView },
  { pattern: /^\/recipes$/, load: () => import("./views/recipes") },
  { pattern: /^\/recipes\/(.+)$/, load: () => import("./views/recipe") },
  { pattern: /^\/failures$/, load: () => import("./views/failures") },
  { pattern: /^\/waiting$/, load: () => import("./views/waiting") },
  { pattern: /^\/connections$/, load: () => import("./views/connections") },
  { pattern: /^\/catalog$/, load: () => import("./views/catalog") },
  { pattern: /^\/catalog\/pair\/([^/]+)\/([^/]+)$/, load: () => import("./views/pair") },
  { pattern: /^\/catalog\/([^/]+)$/, load: () => import("./views/catalog-entry") },
  { pattern: /^\/audit$/, load: () => import("./views/audit") },
  { pattern: /^\/sign-in$/, view: SignIn },
];

export const nav: NavItem[] = [
  { path: "/runs", label: "Runs", key: "r" },
  { path: "/events", label: "Events", key: "e" },
  { path: "/recipes", label: "Recipes", key: "c" },
  { path: "/failures", label: "Failures", key: "f" },
  { path: "/waiting", label: "Waiting", key: "w" },
  { path: "/connections", label: "Connections", key: "n" },
  { path: "/catalog", label: "Catalogue", key: "l" },
  { path: "/audit", label: "Audit log", key: "a" },
];
