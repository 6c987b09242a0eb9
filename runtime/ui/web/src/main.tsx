import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/components.css";
import "./styles/dialog.css";
import "./styles/filters.css";
import "./styles/rows.css";
import "./styles/text.css";
import "./styles/drawn.css";
import "./styles/views.css";

import { render } from "preact";

import { whenSignedOut } from "./api/client";
import * as live from "./api/live";
import * as server from "./api/session";
import { App } from "./app";
import { tick } from "./lib/clock";
import * as keys from "./lib/keys";
import { here, href, listen, go } from "./lib/router";
import * as theme from "./lib/theme";

theme.follow();
tick();
listen();
keys.listen();

function signIn(): void {
  server.session.value = null;
  live.stop();
  if (here.value.path !== "/sign-in") {
    go(href("/sign-in", { next: here.value.path + window.location.search }), true);
  }
}

whenSignedOut(signIn);

async function begin(): Promise<void> {
  // The status may be asked for before it is known who asks: both are wanted, and each is refused by itself.
  await Promise.all([server.identify(), server.refresh()]);
  if (server.session.value === null) {
    signIn();
  } else {
    live.start();
  }
}

const root = document.getElementById("app");
if (root !== null) {
  render(<App />, root);
}
void begin();
server.follow();
live.follow();
