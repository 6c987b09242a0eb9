package engine

import (
	"github.com/flowrun/flowrun/runtime"
)

// What flow control decides is recorded in the order in which it was decided, and many decisions in one change. So what
// the store remembers of a key always counts exactly the runs that are in the store: after a crash an event either meets
// its own run, or has not been counted.

// maxRulings is how many decisions share a change.
const maxRulings = 256

// ruling is what was decided of the runs of one event.
type ruling struct {
	runs     []*runtime.Run // as they are recorded; copies, since the originals go on
	marks    []runtime.Mark
	wake     *runtime.Wake
	decision *runtime.Decision // of the event, where nothing else of it is to be recorded; recorded with it or not
	keys     []runtime.Await   // go with the decision
	decided  bool              // the decision is recorded
	done     chan error
}

func (en *ruling) empty() bool { return len(en.runs) == 0 && len(en.marks) == 0 }

// note adds a run as it is now.
func (en *ruling) note(run *runtime.Run) {
	c := *run
	c.Steps = nil
	en.runs = append(en.runs, &c)
}

// submit puts a ruling on the list; f.mu must be held, so that rulings are recorded in the order of the decisions.
func (e *Engine) submit(en *ruling) {
	f := &e.flow
	en.done = make(chan error, 1)
	f.rulings = append(f.rulings, en)
	if !f.writing {
		f.writing = true
		e.work.Add(1) // the caller is work itself, so that Drain has not seen the last of it
		go e.writeRulings()
	}
}

// writeRulings records rulings until there are none.
func (e *Engine) writeRulings() {
	defer e.work.Done()
	f := &e.flow
	for {
		f.mu.Lock()
		batch, c := f.nextBatch()
		f.writing = len(batch) > 0
		f.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		e.cfg.Crash("before-admission-recorded")
		err := e.record(c)
		e.cfg.Crash("after-admission-recorded")
		for _, en := range batch {
			en.done <- err
		}
	}
}

// settleRulings waits until what has been decided so far is recorded.
func (e *Engine) settleRulings() {
	last := &ruling{}
	e.flow.mu.Lock()
	e.submit(last)
	e.flow.mu.Unlock()
	if err := <-last.done; err != nil {
		e.log.Error("recording what flow control decided", "error", err)
	}
}

// nextBatch takes rulings that one change can hold: it has room for one decision and one wake.
func (f *flow) nextBatch() ([]*ruling, *runtime.Change) {
	c := &runtime.Change{}
	n := 0
	for _, en := range f.rulings[:min(len(f.rulings), maxRulings)] {
		if en.wake != nil && c.Wake != nil {
			break
		}
		n++
		c.Runs = append(c.Runs, en.runs...)
		c.Marks = append(c.Marks, en.marks...)
		if en.wake != nil {
			c.Wake = en.wake
		}
		if en.decision != nil && c.Decision == nil {
			c.Decision, c.Keys, en.decided = en.decision, en.keys, true
		}
	}
	batch := f.rulings[:n:n]
	f.rulings = f.rulings[n:]
	return batch, c
}
