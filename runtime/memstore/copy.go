package memstore

// What goes in and comes out is copied, so that a caller's changes do not reach the store before they are recorded.

import (
	"bytes"
	"slices"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// utc drops what a store on disk would not keep of a time: its zone and the monotonic reading.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Round(0).UTC()
}

func copyEvent(e *runtime.Event, payload bool) *runtime.Event {
	c := *e
	c.Time, c.ReceivedAt = utc(e.Time), utc(e.ReceivedAt)
	c.Payload = nil
	if payload {
		c.Payload = bytes.Clone(e.Payload)
	}
	return &c
}

// copyRun leaves out Arrived, which is kept apart, and of a run in a list the data too.
func copyRun(r *runtime.Run, data bool) *runtime.Run {
	c := *r
	c.StartedAt, c.EndedAt, c.Due, c.Order = utc(r.StartedAt), utc(r.EndedAt), utc(r.Due), utc(r.Order)
	c.Error = copyError(r.Error)
	c.Steps, c.Arrived, c.Input, c.Output = nil, nil, nil, nil
	if data {
		c.Input, c.Output = bytes.Clone(r.Input), bytes.Clone(r.Output)
		for _, st := range r.Steps {
			c.Steps = append(c.Steps, copyStep(st))
		}
	}
	return &c
}

func copyStep(st *runtime.Step) *runtime.Step {
	c := *st
	c.StartedAt, c.EndedAt, c.Due = utc(st.StartedAt), utc(st.EndedAt), utc(st.Due)
	c.Attempts = slices.Clone(st.Attempts)
	for i := range c.Attempts {
		c.Attempts[i].At = utc(c.Attempts[i].At)
		c.Attempts[i].Error = copyError(c.Attempts[i].Error)
	}
	c.Input, c.Output = bytes.Clone(st.Input), bytes.Clone(st.Output)
	c.Error = copyError(st.Error)
	c.Awaits = slices.Clone(st.Awaits)
	return &c
}

func copyError(e *runtime.StepError) *runtime.StepError {
	if e == nil {
		return nil
	}
	c := *e
	return &c
}

func copyProgram(p *runtime.Program) *runtime.Program {
	c := &runtime.Program{Digest: p.Digest, At: utc(p.At), Files: map[string][]byte{}, Awaits: slices.Clone(p.Awaits)}
	for name, content := range p.Files {
		c.Files[name] = bytes.Clone(content)
	}
	return c
}
