// Signing in with a token. The server answers with a cookie that scripts can't read; the token itself is not kept.

import { useEffect, useRef, useState } from "preact/hooks";

import { post } from "../api/client";
import { start } from "../api/live";
import { identify, refresh, session } from "../api/session";
import { usePending } from "../api/use";
import { ErrorNote } from "../components/ui";
import { go, here } from "../lib/router";

export default function SignIn() {
  const [token, setToken] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const { pending, error, run } = usePending();
  const to = inside(here.value.query.get("next"));

  useEffect(() => {
    document.title = "Sign in · flowrun";
    field.current?.focus();
  }, []);
  useEffect(() => {
    if (session.value !== undefined && session.value !== null) {
      go(to, true);
    }
  }, [session.value, to]);

  return (
    <main class="bare sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run(async () => {
            await post("/api/v1/session", { token: token.trim() });
            setToken("");
            await identify();
            await refresh();
            start();
          });
        }}
      >
        <h1>Sign in to flowrun</h1>
        <p class="lead">With the token that the operator of this server gave you.</p>
        <label class="field">
          <span>Token</span>
          <input
            ref={field}
            type="password"
            name="token"
            autoComplete="current-password"
            required
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        <ErrorNote error={error} />
        <button type="submit" class="button primary" disabled={pending || token.trim() === ""}>
          {pending ? "Signing in…" : "Sign in"}
        </button>
        <p class="hint">
          The server takes tokens from <code>FLOWRUN_CONTROL_TOKEN</code> and from the file given by <code>-tokens</code>.
        </p>
      </form>
    </main>
  );
}

/** inside keeps what follows a sign-in within this page. */
function inside(next: string | null): string {
  return next !== null && /^\/(?![/\\])/.test(next) && !next.startsWith("/sign-in") ? next : "/";
}
