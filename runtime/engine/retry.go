package engine

import (
	"slices"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/runtime"
)

// outcomeUnknown reports whether a failure leaves open if the vendor acted.
func outcomeUnknown(ce *connectors.Error) bool {
	switch ce.Kind {
	case connectors.KindNetwork, connectors.KindTimeout, connectors.KindServer, connectors.KindCanceled, connectors.KindDrift,
		connectors.KindUnknown:
		return true
	}
	return false
}

// retryAt says when a failed step is tried again, if it is. The delay is drawn from zero to a bound that doubles with
// each attempt (full jitter), and is never shorter than the vendor asked for.
func (r *runner) retryAt(n *check.Node, s *runtime.Step, ce *connectors.Error) (time.Time, bool) {
	policy := n.Retry
	if ce.Final {
		return time.Time{}, false
	}
	if len(policy.On) > 0 {
		if !slices.Contains(policy.On, string(ce.Kind)) {
			return time.Time{}, false
		}
	} else if !ce.Kind.Transient() {
		return time.Time{}, false
	}
	if once(n) && !ce.NotSent {
		return time.Time{}, false
	}
	tried, first := tries(s)
	if policy.Attempts > 0 && tried >= policy.Attempts {
		return time.Time{}, false
	}
	bound := policy.Max
	if shift := tried - 1; shift < 40 && policy.Min<<shift < policy.Max && policy.Min<<shift > 0 {
		bound = policy.Min << shift
	}
	delay := max(time.Duration(r.e.cfg.Rand()*float64(bound)), ce.RetryAfter)
	now := r.e.clock.Now()
	due := now.Add(delay)
	if policy.For > 0 && due.Sub(first) > policy.For {
		return time.Time{}, false
	}
	if left, limited := r.timeLeft(); limited && delay > left {
		return time.Time{}, false
	}
	return due, true
}

// tries returns how many attempts a step has had since it was begun, the last time that it was, and when the first was.
func tries(s *runtime.Step) (n int, first time.Time) {
	for _, a := range slices.Backward(s.Attempts) {
		if n > 0 && a.At.Before(s.StartedAt) {
			break
		}
		n, first = n+1, a.At
	}
	return n, first
}

// timeLeft returns what is left of the recipe's timeout, where it has one. Neither waits nor on_error count.
func (r *runner) timeLeft() (left time.Duration, limited bool) {
	if r.rec.Timeout <= 0 || r.progress == &r.handler {
		return 0, false
	}
	now := r.e.clock.Now()
	waited := r.run.Waited + r.inWaits(now) - r.inWaits(time.Time{})
	return r.rec.Timeout - (now.Sub(r.run.StartedAt) - waited), true
}

// inWaits returns how long the run has been in at least one wait. Those that have not ended count up to now, or not at
// all where now is the zero time.
func (r *runner) inWaits(now time.Time) time.Duration {
	type span struct{ from, to time.Time }
	var spans []span
	for i := range r.main.units {
		u := &r.main.units[i]
		if r.main.nodes[i].Kind != check.Wait || u.step == nil {
			continue
		}
		to := u.step.EndedAt
		if to.IsZero() {
			to = now
		}
		spans = append(spans, span{u.step.StartedAt, to})
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	var sum time.Duration
	var seen time.Time // all before it has been counted
	for _, s := range spans {
		if s.from.Before(seen) {
			s.from = seen
		}
		if s.to.After(s.from) {
			sum += s.to.Sub(s.from)
			seen = s.to
		}
	}
	return sum
}
