// Which view is at which path. Views that few look at each time are loaded when they are first shown.

import type { ComponentType } from "preact";

export interface Route {
  pattern: RegExp; // its groups are the view's parameters
  view: () => Promise<{ default: ComponentType<ViewProps> }>;
}

export interface ViewProps {
  params: string[]; // decoded
}

export interface NavItem {
  path: string;
  label: string;
  key: string; // pressed after "g"
}

export const routes: Route[] = [
  { pattern: /^\/$/, view: () => import("./views/home") },
  { pattern: /^\/runs$/, view: () => import("./views/runs") },
  { pattern: /^\/runs\/([^/]+)$/, view: () => import("./views/run") },
  { pattern: /^\/events$/, view: () => import("./views/events") },
  { pattern: /^\/events\/([^/]+)$/, view: () => import("./views/event") },
  { pattern: /^\/sign-in$/, view: () => import("./views/sign-in") },
];

export const nav: NavItem[] = [
  { path: "/runs", label: "Runs", key: "r" },
  { path: "/events", label: "Events", key: "e" },
];
