package engine

// Flow control decides which runs start, which wait and which are dropped, when their recipe has taken an event and
// before any of its steps. The same decision is met again when a run that had to wait goes on.

import (
	"slices"
	"sync"
	"time"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/runtime"
)

// flow is what flow control keeps in memory. All of it can be read from the store again.
type flow struct {
	mu       sync.Mutex
	marks    map[string]*mark
	lanes    map[string]*lane
	promoted map[string]struct{} // ids of runs that got a place and have not been started
	due      map[string]struct{} // lanes to be looked at
	again    []string            // ids of runs to be looked at
	wake     chan struct{}       // laneLoop's
	frozen   bool                // no lane goes on: events of the last process are undecided
	bulk     int                 // the limit of bulkLane
	rulings  []*ruling           // decided and not recorded, in that order
	writing  bool
	order    time.Time   // of the last event that was admitted
	last     runtime.Run // of the last process, in a lane: its EventSeq and Order
	paused   map[string]*pausedRecipe
}

func newFlow(bulk int) flow {
	return flow{bulk: bulk, marks: map[string]*mark{}, lanes: map[string]*lane{}, promoted: map[string]struct{}{}, due: map[string]struct{}{},
		wake: make(chan struct{}, 1), paused: map[string]*pausedRecipe{}}
}

// Why a run was dropped, as Run.StoppedBy says.
const (
	byDeduplicate = "deduplicate"
	byRateLimit   = "rate_limit"
	byDebounce    = "debounce"
	byConcurrency = "concurrency"
	byPaused      = "paused"
)

// stage is where flow control goes on with a run.
type stage uint8

const (
	fromPause stage = iota
	fromThrottle
	fromLane
)

// admission is a run while it is decided on.
type admission struct {
	r        *runner
	from     stage
	dedupe   *mark
	rate     *mark
	debounce *mark
	throttle *mark
	lane     string
	priority time.Duration
	order    time.Time

	spent      bool // it had begun, and was held for its recipe's limits
	starts     bool
	replaced   *runtime.Run // the run of the same burst that this one is done instead of
	newInLane  bool         // it waits for a place, and its row is being written
	held       bool         // by a pause, and its row is being written
	wasDropped bool
	unchanged  bool   // it stays as it is
	instead    func() // cancels the runs that it takes the place of
}

func (a *admission) marks() []*mark { return []*mark{a.dedupe, a.rate, a.debounce, a.throttle} }

// controlled reports whether flow control has something to say on any of the runs of an event.
func (e *Engine) controlled(runs []*runner) bool {
	if e.anyPaused.Load() {
		return true
	}
	return slices.ContainsFunc(runs, func(r *runner) bool { return r.rec.flow != nil })
}

// admit decides on the runs of an event, in the order of the tickets, and returns those that start now. Where none
// does, the decision is recorded too.
func (e *Engine) admit(w *eventWork, ticket int64, runs []*runner) ([]*runner, error) {
	list := make([]*admission, len(runs))
	for i, r := range runs {
		list[i] = &admission{r: r}
		if err := e.prepare(list[i]); err != nil {
			for _, a := range list[:i] {
				e.flow.unpinMarks(a.marks()...)
			}
			return nil, err
		}
	}
	e.turns.wait(ticket)
	en := &ruling{}
	f := &e.flow
	f.mu.Lock()
	order := f.nextOrder(w.decision.EventSeq, w.received)
	any := false
	for _, a := range list {
		a.order = order
		e.decide(a, en)
		any = any || a.starts
	}
	if !any {
		en.decision, en.keys = w.decision, w.keys
	}
	if !en.empty() {
		e.submit(en)
	}
	f.mu.Unlock()
	e.turns.pass(ticket)
	if err := e.settleAdmission(en, list); err != nil {
		return nil, err
	}
	w.decided = en.decided
	var start []*runner
	for _, a := range list {
		if a.starts {
			start = append(start, a.r)
		}
	}
	return start, nil
}

// nextOrder returns the place of an event in lanes: when it was received, but never before one that was accepted before
// it. f.mu must be held.
func (f *flow) nextOrder(seq int64, received time.Time) time.Time {
	if seq > f.last.EventSeq && f.last.Order.After(f.order) {
		f.order = f.last.Order
	}
	if next := f.order.Add(1); received.Before(next) {
		received = next
	}
	f.order = received
	return received
}

// noteOrder notes the place of a run of the last process. Those of events that come after it are behind; an undecided
// event that came before it goes by when it was received.
func (f *flow) noteOrder(run *runtime.Run, rec *recipe) {
	if rec != nil && rec.flow != nil && rec.flow.Priority == nil && !asked(run) && run.EventSeq > f.last.EventSeq {
		f.last.EventSeq, f.last.Order = run.EventSeq, run.Order
	}
}

// settleAdmission waits until an entry is recorded, and does what follows.
func (e *Engine) settleAdmission(en *ruling, list []*admission) error {
	var err error
	if en.done != nil {
		err = <-en.done
	}
	f := &e.flow
	f.mu.Lock()
	for _, a := range list {
		for _, m := range a.marks() {
			if m != nil {
				m.pins--
			}
		}
		if a.newInLane {
			l := f.lanes[a.r.run.Lane]
			l.pending--
			l.queued++
			if len(l.holders) < l.limit {
				f.look(a.r.run.Lane)
			}
		}
		if a.held {
			f.paused[a.r.rec.Name].recorded()
		}
	}
	f.mu.Unlock()
	if err != nil {
		return err
	}
	for _, a := range list {
		if a.replaced != nil {
			e.skipped(a.replaced)
		}
		if a.instead != nil {
			e.work.Add(1) // the caller is work itself, so that Drain has not seen the last of it
			go a.instead()
		}
		switch run := a.r.run; {
		case a.starts, a.unchanged:
		case a.wasDropped:
			e.skipped(run)
		default:
			e.cfg.Metrics.RunQueued(run.Recipe, run.Queue.String())
			if !run.Due.IsZero() {
				signal(e.wakeDue)
			}
			if e.cfg.OnRun != nil {
				e.cfg.OnRun(run)
			}
		}
	}
	return nil
}

// skipped tells of a run that was dropped, now that this is recorded.
func (e *Engine) skipped(run *runtime.Run) {
	e.cfg.Metrics.RunSkipped(run.Recipe, run.StoppedBy)
	e.cfg.Metrics.RunEnded(run.Recipe, run.Status.String())
	if run.Parent != "" {
		signal(e.wakeDue)
	}
	if e.cfg.OnRun != nil {
		e.cfg.OnRun(run)
	}
}

// decide is the decision on one run; f.mu must be held. What it comes to is in the run and, where it must be recorded,
// in the entry.
func (e *Engine) decide(a *admission, en *ruling) {
	f := &e.flow
	run, now := a.r.run, e.clock.Now()
	// What was held, or waited for its burst to end, must not be found so again.
	log := run.Status == runtime.RunQueued && (run.Queue == runtime.QueuePaused || run.Queue == runtime.QueueDebounce)
	if a.from <= fromPause || a.spent || asked(run) && run.Queue != runtime.QueueThrottle && run.Queue != runtime.QueueLane {
		if p := f.paused[run.Recipe]; p != nil && !p.lets(run) {
			if p.Drop && !a.spent {
				a.drop(en, byPaused, now)
				return
			}
			if run.Status == runtime.RunQueued && run.Queue == runtime.QueuePaused {
				a.unchanged = true
				return
			}
			a.held = true
			p.pending++
			a.queue(en, runtime.QueuePaused, time.Time{})
			return
		}
	}
	rules := a.r.rec.flow
	if rules == nil || run.Error != nil {
		a.start(en, log, now)
		return
	}
	var taken []*mark
	take := func(m *mark, at time.Time, by string, until time.Time) {
		m.At, m.Run, m.Expires = at, by, until
		taken = append(taken, m)
	}
	if m := a.dedupe; m != nil && m.Run != "" && m.Run != run.ID && m.Expires.After(now) {
		a.drop(en, byDeduplicate, now)
		return
	}
	rated := time.Time{}
	if m := a.rate; m != nil {
		start, after := rules.rate.next(m.At, now)
		if start.After(now) {
			a.drop(en, byRateLimit, now)
			return
		}
		rated = after
	}
	count := func() {
		if m := a.dedupe; m != nil {
			take(m, now, run.ID, now.Add(rules.Deduplicate.For))
		}
		if m := a.rate; m != nil {
			take(m, rated, "", rated)
		}
	}
	defer func() {
		for _, m := range taken {
			en.marks = append(en.marks, m.Mark)
		}
	}()
	if m := a.debounce; m != nil && a.from <= fromPause {
		if old := m.queued; old != nil && old.EventSeq > run.EventSeq && !asked(run) {
			a.drop(en, byDebounce, now) // its decision was put off by a fault of the store, and a later event was faster
			return
		}
		count()
		e.debounce(a, en, now)
		take(m, m.At, run.ID, run.Due.Add(rules.Debounce.Period))
		last := *en.runs[len(en.runs)-1] // a copy, since the other is being recorded
		m.queued = &last
		return
	}
	if m := a.throttle; m != nil && a.from > fromThrottle {
		if at := m.mayGo(rules.throttle, run.ID, now); at.After(now) {
			a.queue(en, runtime.QueueThrottle, at)
			return
		}
	}
	if m := a.throttle; m != nil && a.from <= fromThrottle {
		start, after := rules.throttle.next(m.At, now)
		if late, _ := rules.throttle.next(m.went, now); late.After(start) {
			start, after = late, late.Add(rules.throttle.every) // those that are late go first
		}
		if start.After(now) {
			count()
			take(m, after, "", after)
			a.queue(en, runtime.QueueThrottle, start)
			return
		}
		if a.lane == "" || f.wouldTake(a, rules) {
			take(m, after, "", after)
			_, m.went = rules.throttle.next(m.went, now)
		}
	}
	if a.lane != "" {
		fresh := run.Lane == ""
		if fresh {
			run.Lane, run.Order = a.lane, a.order.Add(-a.priority)
		}
		if !e.enterLane(a, en, fresh, now) {
			if !a.wasDropped {
				count()
			}
			return
		}
	}
	count()
	a.start(en, log || len(taken) > 0, now)
}

// wouldTake reports whether a lane will not drop the run.
func (f *flow) wouldTake(a *admission, rules *rules) bool {
	l := f.lanes[a.lane]
	return asked(a.r.run) || rules.Concurrency.OnConflict != check.SkipConflict || l == nil || l.hasPlace(a.order) || has(l.holders, a.r.run.ID)
}

func has[V any](m map[string]V, key string) bool {
	_, ok := m[key]
	return ok
}

// debounce makes the run the one that is done when its burst has ended, instead of the one before.
func (e *Engine) debounce(a *admission, en *ruling, now time.Time) {
	m, x := a.debounce, a.r.rec.flow.Debounce
	due := now.Add(x.Period)
	if old := m.queued; old != nil && old.ID != a.r.run.ID {
		if x.Timeout > 0 {
			if last := m.At.Add(x.Timeout); last.Before(due) {
				due = last
			}
		}
		gone := *old
		gone.Status, gone.StoppedBy, gone.Queue, gone.Due, gone.EndedAt = runtime.RunSkipped, byDebounce, 0, time.Time{}, now
		en.note(&gone)
		en.wake = wakeOf(&gone)
		a.replaced = &gone
	} else {
		m.At = now // of the first
	}
	a.queue(en, runtime.QueueDebounce, due)
}

// enterLane gives the run a place, and returns whether it can start.
func (e *Engine) enterLane(a *admission, en *ruling, fresh bool, now time.Time) bool {
	f, run := &e.flow, a.r.run
	l := f.lane(run.Lane, run.Recipe)
	if rec := a.r.rec; a.r.g == e.current.Load() || l.empty() {
		l.rule(rec)
	}
	if has(l.holders, run.ID) {
		return true
	}
	delete(l.away, run.ID)
	clash := len(l.holders) >= l.limit
	if fresh && l.onClash == check.CancelRunning {
		clash = len(l.holders)+len(l.away)+l.queued+l.pending >= l.limit
	}
	switch {
	case clash && fresh && !asked(run) && l.onClash == check.SkipConflict:
		run.Lane, run.Order = "", time.Time{}
		if l.empty() {
			delete(f.lanes, a.lane)
		}
		a.drop(en, byConcurrency, now)
		return false
	case clash && fresh && !asked(run) && l.onClash == check.CancelRunning:
		a.instead = e.clash(run.Lane, l, run.Order)
	case l.hasPlace(run.Order):
		l.holders[run.ID] = struct{}{}
		return true
	}
	l.awaits(run.Order)
	l.pending++
	a.newInLane = true
	a.queue(en, runtime.QueueLane, time.Time{})
	return false
}

func (a *admission) drop(en *ruling, by string, now time.Time) {
	run := a.r.run
	run.Status, run.StoppedBy, run.Queue, run.Due, run.EndedAt = runtime.RunSkipped, by, 0, time.Time{}, now
	a.wasDropped = true
	en.note(run)
	if w := wakeOf(run); w != nil {
		en.wake = w
	}
}

func (a *admission) queue(en *ruling, why runtime.Queue, due time.Time) {
	run := a.r.run
	run.Status, run.Queue, run.Due = runtime.RunQueued, why, due
	en.note(run)
}

// start lets the run go. It is recorded first where something was counted for it.
func (a *admission) start(en *ruling, record bool, now time.Time) {
	run := a.r.run
	a.starts = true
	if a.spent {
		releaseHeld(run, now)
	}
	if run.Status == runtime.RunQueued && len(run.Steps) == 0 {
		run.StartedAt, run.Waited = now, 0 // waiting for its turn is no part of the time that it takes
	}
	run.Status, run.Queue, run.Due = runtime.RunRunning, 0, time.Time{}
	if record {
		en.note(run)
	}
}

// asked reports whether a person asked for a run: it waits its turn, and is not dropped.
func asked(run *runtime.Run) bool { return run.Retries > 0 || run.ReplayOf != "" && run.Parent == "" }

func wakeOf(run *runtime.Run) *runtime.Wake {
	if run.Parent == "" {
		return nil
	}
	return &runtime.Wake{Run: run.Parent, Arrival: runtime.Arrival{Step: run.ParentStep, Each: run.ParentEach, Run: run.ID}}
}

// goOn decides whether a recorded run that was queued, or that gave its place away in a wait, goes on now. Where it does
// not, that is recorded.
func (e *Engine) goOn(r *runner, ticket int64, admitted func()) (bool, error) {
	defer e.turns.pass(ticket)
	if admitted != nil {
		defer admitted()
	}
	run, f := r.run, &e.flow
	a := &admission{r: r}
	switch {
	case heldForLimits(run):
		a.from, a.spent = fromLane, true
	case run.Status == runtime.RunWaiting, run.Queue == runtime.QueueLane:
		a.from = fromLane
	case run.Queue == runtime.QueueThrottle:
		a.from = fromLane
	case run.Queue == runtime.QueueDebounce, asked(run):
		a.from = fromThrottle
	}
	if run.Status == runtime.RunQueued && run.Queue == runtime.QueueLane {
		f.mu.Lock()
		if !has(f.promoted, run.ID) {
			f.mu.Unlock()
			return false, nil // it is not its turn
		}
		delete(f.promoted, run.ID)
		if run.Lane == bulkLane {
			f.mu.Unlock()
			r.inBulk = true
			run.Queue, run.Lane, run.Order = 0, "", time.Time{}
			return e.goOn(r, ticket, admitted)
		}
		defer f.mu.Unlock()
		a.start(&ruling{}, false, e.clock.Now())
		return true, nil
	}
	if err := e.prepare(a); err != nil {
		return false, err
	}
	e.turns.wait(ticket)
	en := &ruling{}
	f.mu.Lock()
	if run.Queue == runtime.QueueDebounce && a.debounce != nil {
		m := a.debounce
		switch {
		case m.queued == nil || m.queued.ID == run.ID:
			m.queued = nil // what comes from now on is another burst
		case run.Due.After(m.At):
			f.mu.Unlock()
			f.unpinMarks(a.marks()...)
			e.turns.pass(ticket)
			e.pause()         // it is due until that is recorded
			return false, nil // a newer one is done instead
		default: // its burst ended while no process was there to see it, before that of the queued one began
		}
	}
	a.order = e.clock.Now() // and events of the last process keep their places before it
	e.decide(a, en)
	if !en.empty() {
		e.submit(en)
	}
	f.mu.Unlock()
	e.turns.pass(ticket)
	if err := e.settleAdmission(en, []*admission{a}); err != nil {
		return false, err
	}
	return a.starts, nil
}

// clash returns what cancels all that is under way in a lane, and what waits in it from before. It must be called once
// what waits is recorded; until then nothing goes on in the lane. f.mu must be held.
func (e *Engine) clash(name string, l *lane, before time.Time) func() {
	l.canceling++
	ids := make([]string, 0, len(l.holders)+len(l.away))
	for id := range l.holders {
		ids = append(ids, id)
	}
	for id := range l.away {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return func() {
		defer e.work.Done()
		e.cancelLane(name, ids, before)
		e.flow.mu.Lock()
		defer e.flow.mu.Unlock()
		l.canceling--
		e.flow.look(name)
	}
}
