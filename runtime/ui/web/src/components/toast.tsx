// Short messages that something was done. They are told to screen readers and go by themselves; nothing that must be
// acted on is said here.

import { signal } from "@preact/signals";

interface Message {
  id: number;
  text: string;
}

const messages = signal<Message[]>([]);
let last = 0;

/** toast shows a message for a few seconds. */
export function toast(text: string): void {
  last += 1;
  const id = last;
  messages.value = [...messages.value, { id, text }].slice(-3);
  window.setTimeout(() => {
    messages.value = messages.value.filter((one) => one.id !== id);
  }, 6000);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {messages.value.map((one) => (
        <p key={one.id}>{one.text}</p>
      ))}
    </div>
  );
}
