// Dialogs are the browser's own: it keeps the focus within, closes on Escape, and gives the focus back.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

import type { ApiError } from "../api/client";
import { ErrorNote } from "./ui";

interface DialogProps {
  title: string;
  onClose: () => void;
  wide?: boolean;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, wide = false, children }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  const gone = useRef(false);
  useEffect(() => {
    const dialog = box.current;
    gone.current = false;
    dialog?.showModal();
    return () => {
      gone.current = true; // that it closes now is nobody's wish, and must not close the dialog that follows it
      dialog?.close();
    };
  }, []);
  return (
    <dialog
      ref={box}
      class={wide ? "dialog wide" : "dialog"}
      aria-label={title}
      onClose={() => {
        if (!gone.current) {
          onClose();
        }
      }}
      onClick={(event) => {
        if (event.target === box.current) {
          onClose();
        }
      }}
    >
      <div class="dialog-inner">
        <header class="dialog-head">
          <h2>{title}</h2>
          <button type="button" class="button quiet" onClick={onClose}>
            Close
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  confirm: string; // on the button: what it does
  danger?: boolean;
  ready?: boolean; // false while what it would do is not known yet
  pending: boolean;
  error: ApiError | undefined;
  onConfirm: () => void;
  onClose: () => void;
  wide?: boolean;
  children: ComponentChildren; // what it will do, and choices
}

/** Confirm says what an action would do before it does it. */
export function Confirm({ title, confirm, danger = false, ready = true, pending, error, onConfirm, onClose, wide = false, children }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose} wide={wide}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onConfirm();
        }}
      >
        <div class="dialog-body">
          {children}
          <ErrorNote error={error} />
        </div>
        <footer class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>
            Leave it
          </button>
          <button type="submit" class={danger ? "button danger" : "button primary"} disabled={!ready || pending}>
            {pending ? "Working…" : confirm}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
