package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// maxMarks is how many marks are kept in memory, beyond those in use; the others are read again when they are needed.
const maxMarks = 1 << 16

// mark is what flow control remembers of one key, as it will be once all that was decided is recorded.
type mark struct {
	runtime.Mark
	queued *runtime.Run         // of a debounce: the run that waits for the burst to end
	went   time.Time            // of a throttle: what has really started counts up to here
	turns  map[string]time.Time // of a throttle: when late runs may start, by id
	pins   int                  // decisions under way that go by it, or that are not recorded yet
}

// markKey names a mark or a lane.
func markKey(parts ...string) string { return strings.Join(parts, "\t") }

// pinMark returns a mark, read from the store if need be, and keeps it in memory until unpinMarks.
func (e *Engine) pinMark(key string, debounce bool) (*mark, error) {
	f := &e.flow
	f.mu.Lock()
	if m := f.marks[key]; m != nil {
		m.pins++
		f.mu.Unlock()
		return m, nil
	}
	f.mu.Unlock()
	m := &mark{Mark: runtime.Mark{Key: key}}
	switch kept, err := e.cfg.Store.Mark(context.Background(), key); {
	case err == nil:
		m.Mark = *kept
	case !errors.Is(err, runtime.ErrNotFound):
		return nil, fmt.Errorf("reading what flow control remembers: %w", err)
	}
	if debounce && m.Run != "" {
		run, err := e.cfg.Store.Run(context.Background(), m.Run)
		switch {
		case errors.Is(err, runtime.ErrNotFound):
		case err != nil:
			return nil, fmt.Errorf("reading the run that a burst has led to: %w", err)
		case run.Status == runtime.RunQueued && run.Queue == runtime.QueueDebounce:
			run.Steps = nil
			m.queued = run
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if first := f.marks[key]; first != nil {
		m = first // another was faster, and may have decided by it
	} else {
		f.dropMarks(e.clock.Now())
		f.marks[key] = m
	}
	m.pins++
	return m, nil
}

// unpinMarks lets marks go. It must be called once what was decided by them is recorded.
func (f *flow) unpinMarks(marks ...*mark) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range marks {
		if m != nil {
			m.pins--
		}
	}
}

// forgetQueued makes no run of a burst take the place of this one any more, and reports whether one could have.
func (f *flow) forgetQueued(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.marks {
		if m.queued != nil && m.queued.ID == id {
			m.queued = nil
			return true
		}
	}
	return false
}

// dropMarks makes room for another mark.
func (f *flow) dropMarks(now time.Time) {
	if len(f.marks) < maxMarks {
		return
	}
	drop := maxMarks / 8
	for key, m := range f.marks {
		if drop == 0 {
			break
		}
		if m.pins == 0 {
			delete(f.marks, key)
			drop--
		}
	}
}

// throttleSlack is by how much a run may start late without holding up the one behind it.
const throttleSlack = time.Second

// mayGo returns when a run whose turn has come may start: now, unless many are late, as after a time in which nothing
// ran. Then they start at the pace that was asked for, in the order in which they ask. f.mu must be held.
func (m *mark) mayGo(p pace, id string, now time.Time) time.Time {
	if at, ok := m.turns[id]; ok {
		if !at.After(now) {
			delete(m.turns, id)
		}
		return at
	}
	start, after := p.next(m.went, now)
	m.went = after
	if start.Sub(now) <= throttleSlack {
		return now
	}
	if m.turns == nil {
		m.turns = map[string]time.Time{}
	}
	m.turns[id] = start
	return start
}
