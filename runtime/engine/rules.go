package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// rules is a recipe's flow control, made ready.
type rules struct {
	check.Flow
	rate, throttle pace
	remembers      bool // it keeps marks
}

// rulesOf returns nil for a recipe without flow control.
func rulesOf(r *check.Recipe) *rules {
	if r.Flow == (check.Flow{}) {
		return nil
	}
	f := &rules{Flow: r.Flow}
	if x := f.RateLimit; x != nil {
		f.rate = paceOf(x.Limit, x.Period, x.Burst)
	}
	if x := f.Throttle; x != nil {
		f.throttle = paceOf(x.Limit, x.Period, x.Burst)
	}
	f.remembers = f.Deduplicate != nil || f.RateLimit != nil || f.Debounce != nil || f.Throttle != nil
	return f
}

// prepare evaluates what flow control goes by, and has the marks at hand. A run whose keys can't be evaluated fails: it
// must be seen, and must not be taken for one that was dropped.
func (e *Engine) prepare(a *admission) error {
	rules := a.r.rec.flow
	if rules == nil || a.r.over() {
		return nil
	}
	name := a.r.rec.Name
	var failed error
	load := func(kind string, x hclExpression, debounce bool) *mark {
		if failed != nil {
			return nil
		}
		key, ok := a.r.flowKey(x)
		if !ok {
			return nil
		}
		var m *mark
		m, failed = e.pinMark(markKey(kind, name, key), debounce)
		return m
	}
	if x := rules.Deduplicate; x != nil && a.from <= fromPause {
		a.dedupe = load(byDeduplicate, x.Key, false)
	}
	if x := rules.RateLimit; x != nil && a.from <= fromPause {
		a.rate = load(byRateLimit, x.Key, false)
	}
	if x := rules.Debounce; x != nil && a.from <= fromThrottle {
		a.debounce = load(byDebounce, x.Key, true)
	}
	if x := rules.Throttle; x != nil && (a.from <= fromThrottle || a.r.run.Queue == runtime.QueueThrottle) {
		a.throttle = load("throttle", x.Key, false)
	}
	if x := rules.Concurrency; x != nil && failed == nil {
		if key, ok := a.r.flowKey(x.Key); ok {
			a.lane = markKey(name, key)
		}
	}
	if rules.Priority != nil && failed == nil {
		a.priority = a.r.priority(rules.Priority)
	}
	if failed != nil {
		e.flow.unpinMarks(a.marks()...)
		a.dedupe, a.rate, a.debounce, a.throttle = nil, nil, nil, nil
	}
	return failed
}

// maxPriority is the most seconds by which a run goes before others: a day, as the checker says of constants.
const maxPriority = 86400

// priority evaluates by how much a run goes before others. Where that can't be told the run has failed.
func (r *runner) priority(x hclExpression) time.Duration {
	v, err := r.value(x)
	if err != nil {
		r.fail("", err)
		return 0
	}
	if v.IsNull() || v.Type() != cty.Number {
		return 0
	}
	s, _ := v.AsBigFloat().Float64()
	return time.Duration(min(max(s, -maxPriority), maxPriority) * float64(time.Second))
}

// maxFlowKey is the longest key that is kept as it is.
const maxFlowKey = 200

// flowKey evaluates a key as text; all runs share one where there is no expression. Null is a key of its own. Where there
// is no key the run has failed.
func (r *runner) flowKey(x hclExpression) (key string, ok bool) {
	if x == nil {
		return "", true
	}
	v, err := r.value(x)
	if err != nil {
		r.fail("", err)
		return "", false
	}
	raw, err := schema.AppendJSON(nil, v)
	if err != nil {
		r.fail("", &connectors.Error{Kind: connectors.KindDrift, Message: "a key of flow control can't be made: " + err.Error(), Err: err})
		return "", false
	}
	if len(raw) > maxFlowKey {
		sum := sha256.Sum256(raw)
		return hex.EncodeToString(sum[:]), true
	}
	return string(raw), true
}
