package control

import (
	"encoding/json"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// The records of the store as the API shows them.

func runJSON(r *runtime.Run) Run {
	out := Run{
		ID: r.ID, Recipe: r.Recipe, EventID: r.EventID, EventType: r.EventType, Connection: r.Connection,
		Status: r.Status.String(), StartedAt: r.StartedAt.UTC(), EndedAt: utc(r.EndedAt),
		DurationMS: between(r.StartedAt, r.EndedAt), StoppedBy: r.StoppedBy, Error: failureJSON(r.Error),
		Program: r.Program, ReplayOf: r.ReplayOf, Generation: r.Generation, Retries: r.Retries, Parent: r.Parent,
		Shadow: r.Shadow, Input: rawJSON(r.Input), Output: rawJSON(r.Output),
	}
	if r.Status == runtime.RunQueued {
		out.Queue = r.Queue.String()
	}
	if !r.Status.Ended() {
		out.DueAt = utc(r.Due)
	}
	for _, s := range r.Steps {
		out.Steps = append(out.Steps, stepJSON(s))
	}
	return out
}

func stepJSON(s *runtime.Step) Step {
	out := Step{
		Address: s.Address, Index: s.Index, Action: s.Action, Status: s.Status.String(), Key: s.Key, StartedAt: utc(s.StartedAt),
		EndedAt: utc(s.EndedAt), DurationMS: between(s.StartedAt, s.EndedAt), Input: rawJSON(s.Input),
		Output: rawJSON(s.Output), Error: failureJSON(s.Error), Each: s.Each, Shadow: s.Shadow, Child: s.Child,
	}
	if s.Status == runtime.StepWaiting {
		out.DueAt = utc(s.Due)
	}
	for _, a := range s.Attempts {
		out.Attempts = append(out.Attempts, Attempt{At: a.At.UTC(), DurationMS: a.Duration.Milliseconds(),
			Status: a.Status, Error: failureJSON(a.Error)})
	}
	return out
}

func failureJSON(e *runtime.StepError) *Failure {
	if e == nil {
		return nil
	}
	return &Failure{Kind: string(e.Kind), Status: e.Status, Message: e.Message, Step: e.Step}
}

// EventOf is an event as lists show it, without its payload.
func EventOf(e *runtime.Event) Event {
	return Event{
		ID: e.ID, Seq: e.Seq, Connection: e.Connection, Service: e.Service, Type: e.Type, Time: e.Time.UTC(),
		ReceivedAt: e.ReceivedAt.UTC(), Account: e.Account, Livemode: e.Livemode, APIVersion: e.APIVersion,
	}
}

func countsJSON(c runtime.Counts) Counts {
	out := Counts{Events: c.Events, Undecided: c.Undecided, Bytes: c.Bytes, Runs: map[string]int64{}}
	for s := runtime.RunRunning; s <= runtime.RunSkipped; s++ {
		out.Runs[s.String()] = c.Runs[s]
	}
	return out
}

// reloadJSON returns nil where there was no reload.
func reloadJSON(r ReloadResult) *Reload {
	if r.At.IsZero() {
		return nil
	}
	return &Reload{Digest: r.Digest, Changed: r.Changed, OK: r.OK, Recipes: r.Recipes, Diagnostics: r.Diagnostics,
		At: r.At.UTC(), DurationMS: r.Took.Milliseconds()}
}

// rawJSON returns what is stored as JSON; a payload that isn't any, as a string.
func rawJSON(b []byte) json.RawMessage {
	if len(b) == 0 {
		return nil
	}
	if json.Valid(b) {
		return b
	}
	text, err := json.Marshal(string(b))
	if err != nil { // a string always marshals
		return nil
	}
	return text
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// between is 0 where one of the times isn't known yet.
func between(from, to time.Time) int64 {
	if from.IsZero() || to.IsZero() {
		return 0
	}
	return to.Sub(from).Milliseconds()
}
