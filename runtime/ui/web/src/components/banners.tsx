// What an operator must know whatever they look at.

import { status, unreachable } from "../api/session";
import { Time } from "./ui";

export function Banners() {
  const server = status.value;
  const reload = server?.last_reload;
  const breakers = server?.engine?.breakers ?? [];
  return (
    <div class="banners">
      {unreachable.value !== undefined && (
        <div class="banner bad" role="alert">
          <p>
            <strong>{unreachable.value.message}</strong> What is shown may be old. It is asked again every 10 seconds.
          </p>
        </div>
      )}
      {server !== undefined && !server.ready && (
        <div class="banner bad" role="status">
          <p>
            <strong>Not ready:</strong> {server.not_ready}
          </p>
        </div>
      )}
      {reload !== undefined && !reload.ok && (
        <div class="banner bad" role="status" id="reload-refused">
          <details>
            <summary>
              <strong>The newest change of the recipes was refused</strong> <Time at={reload.at} />. The last good program goes on.
            </summary>
            <pre tabIndex={0} aria-label="Diagnostics">
              {reload.diagnostics}
            </pre>
          </details>
        </div>
      )}
      {breakers.map((one) => (
        <div class="banner warn" role="status" key={one.connection}>
          <p>
            <strong>Calls of {one.connection} are held back</strong> since <Time at={one.since} />: {one.reason}. The next is tried <Time at={one.until} />.
          </p>
        </div>
      ))}
      {server?.shadow === true && (
        <div class="banner plain">
          <p>
            <strong>Shadow:</strong> calls that change anything are recorded and not made.
          </p>
        </div>
      )}
    </div>
  );
}
