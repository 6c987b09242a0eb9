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
  { pattern: /^\/sign-in$/, view: SignIn },
];

export const nav: NavItem[] = [
  { path: "/runs", label: "Runs", key: "r" },
  { path: "/events", label: "Events", key: "e" },
];
