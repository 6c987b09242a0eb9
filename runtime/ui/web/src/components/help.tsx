import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { bind, bound } from "../lib/keys";
import { Dialog } from "./dialog";

const shown = signal(false);

export function showHelp(): void {
  shown.value = true;
}

/** Help lists what the keyboard does on this view. */
export function Help() {
  useEffect(() => bind([{ keys: "?", what: "show these keys", run: showHelp }]), []);
  if (!shown.value) {
    return null;
  }
  const keys = bound().sort((a, b) => a.keys.length - b.keys.length || a.keys.localeCompare(b.keys));
  return (
    <Dialog title="Keys" onClose={() => (shown.value = false)}>
      <dl class="keys">
        {keys.map((one) => (
          <div key={one.keys}>
            <dt>
              {one.keys.split(" ").map((key) => (
                <kbd key={key}>{key === "Enter" ? "↵" : key}</kbd>
              ))}
            </dt>
            <dd>{one.what}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>Esc</kbd>
          </dt>
          <dd>leave a field, close a dialog</dd>
        </div>
      </dl>
    </Dialog>
  );
}
