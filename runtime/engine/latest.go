package engine

// The object of a trigger with latest. Fetching it is a step: it keeps to limits, is retried and resumed, and what came of
// it is in the journal. Its answer takes the place of `trigger`, once, before anything that reads it: a run that goes on
// after a crash, a retry or a wait reads the recorded answer, and so does a replay, whose calls have the keys of the first
// run and must send the same. previous and event stay those of the event.

import (
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// byLatest is what Run.StoppedBy says where the object is no more.
const byLatest = "latest"

// takeObject makes what a step has fetched `trigger`, or ends the run where there is no such object any more.
func (r *runner) takeObject(u *unit) {
	n, raw := u.node, u.step.Output
	r.fetched = u.dirty
	switch {
	case len(raw) == 0:
		r.state[n.Index] = failed
		r.fail(n.Address, &connectors.Error{Kind: connectors.KindDrift, Message: "the object that was fetched is not kept any more"})
		return
	case schema.IsNull(raw):
		r.state[n.Index], r.vanished, r.run.StoppedBy = stopped, true, byLatest
		return
	}
	r.state[n.Index] = done
	if r.rec.Reads.Empty() {
		return
	}
	payload, drifts, err := r.trigger.Payload.Decode(raw, r.rec.Reads)
	if err != nil {
		r.state[n.Index] = failed
		r.fail(n.Address, &connectors.Error{Kind: connectors.KindDrift, Message: "the object that was fetched can't be read: " + err.Error(), Err: err})
		return
	}
	r.e.noteDrift(r.ev, drifts)
	r.scope.Set("trigger", payload)
}

// knownObject returns the object of a trigger with latest where it need not be fetched: the event's own where that stands
// for it, or that of the run which is replayed.
func (r *runner) knownObject(n *check.Node) (raw []byte, known bool) {
	if n.Latest == nil || r.e.answers != nil {
		return nil, false
	}
	if own := r.e.cfg.OwnObject; own != nil && own(n.Address) {
		return r.object, true
	}
	if r.first == nil {
		return nil, false
	}
	i := slices.IndexFunc(r.first.Steps, func(s *runtime.Step) bool {
		return fetchedObject(s) && s.Address == n.Address && s.Action == n.Action.Name
	})
	if i < 0 {
		return nil, false
	}
	return r.first.Steps[i].Output, true
}

// keepObject records the run, where calls are about to be made that change something and the object that they were made
// of is not in the store yet. After a crash it would be fetched again, and could be another; the same calls, with the
// same keys, would then say something else.
func (r *runner) keepObject(calls []*attempt) error {
	if !r.fetched || !slices.ContainsFunc(calls, func(a *attempt) bool { return a.call.Action.Effect != schema.Read }) {
		return nil
	}
	r.run.Status = runtime.RunRunning
	if err := r.save(&runtime.Change{}); err != nil {
		return err
	}
	r.e.cfg.Crash("after-object")
	return nil
}

// takeObjectOnce ends, in a trial, the step that would fetch with what it was answered when the event was first run. Where
// that isn't known, nothing below it is.
func (r *runner) takeObjectOnce(u *unit, raw []byte, known bool) {
	if known && len(raw) > 0 {
		s := u.step
		s.Output, s.Status, s.EndedAt, s.Due = raw, runtime.StepDone, r.e.clock.Now(), time.Time{}
		r.takeObject(u)
		return
	}
	r.darken(u.node)
}

// fetchedObject reports whether a step is the look-up of a trigger's object, and has it.
func fetchedObject(s *runtime.Step) bool {
	return strings.HasPrefix(s.Address, "trigger.") && s.Status == runtime.StepDone && len(s.Output) > 0 && !schema.IsNull(s.Output)
}
