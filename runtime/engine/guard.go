package engine

import (
	"fmt"
	"runtime/debug"

	"github.com/flowrun/flowrun/connectors"
)

// A fault of ours must not be a crash: the event that caused it would be taken up again at the next start, and end that
// process too. So what one event or run can reach is guarded, and a panic becomes a failure of that run.

// guarded calls f and returns its error, or one of kind invalid where it panicked.
func (e *Engine) guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			e.log.Error("flowrun met a fault of its own; please report it", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = &connectors.Error{Kind: connectors.KindInvalid, Final: true, Message: "flowrun met a fault of its own, see the log: " + fmt.Sprint(p)}
		}
	}()
	return f()
}
