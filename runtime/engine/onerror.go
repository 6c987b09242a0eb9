package engine

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/runtime"
)

// beginHandler begins on_error: the run has failed, and all that was under way has ended.
func (r *runner) beginHandler() {
	r.endOpenSteps()
	if err := r.openScope(); err != nil {
		r.scopeWithout() // the handler may do without the payload; where it reads it, it fails
	}
	r.setUnreached()
	r.scope.Set("error", r.errorValue())
	r.enterHandler()
}

func (r *runner) enterHandler() {
	if r.handler.graph == nil {
		r.handler = newProgress(&r.rec.handler)
	}
	r.progress = &r.handler
	r.failing.Store(false)
}

// setUnreached makes null what is read of nodes that have not come to an end.
func (r *runner) setUnreached() {
	for _, n := range r.main.nodes {
		if s := r.main.state[n.Index]; s != done && s != skipped && s != gaveUp {
			r.setNull(n)
		}
	}
}

// errorValue is `error`.
func (r *runner) errorValue() cty.Value {
	e := r.run.Error
	status := cty.NullVal(cty.Number)
	if e.Status > 0 {
		status = cty.NumberIntVal(int64(e.Status))
	}
	attempts := 0
	r.main.each(func(u *unit) {
		s := u.step
		if s.Address == e.Step && s.Error != nil && *s.Error == *e {
			attempts = max(attempts, len(s.Attempts))
		}
	})
	return cty.ObjectVal(map[string]cty.Value{
		"step":     cty.StringVal(e.Step),
		"message":  cty.StringVal(e.Message),
		"kind":     cty.StringVal(string(e.Kind)),
		"status":   status,
		"attempts": cty.NumberIntVal(int64(attempts)),
	})
}

// lostOutcome is why a step whose answer was never written down is not repeated.
func lostOutcome(address string) *runtime.StepError {
	return &runtime.StepError{Step: address, Kind: kindUnknown,
		Message: "the process ended while the call was made; its outcome is not known, and it is not repeated, since the vendor could act twice"}
}
