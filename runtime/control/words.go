package control

// How a run stands, in words: the same on the page, on the command line and in answers.

import (
	"fmt"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// Standing says in a few words why a run is as it is: what failed, what stopped it, what it waits for and until when.
// It is empty where the status says it all. at writes a time.
func (r *Run) Standing(at func(time.Time) string) string {
	due := ""
	if !r.DueAt.IsZero() && r.EndedAt.IsZero() {
		due = "goes on at " + at(r.DueAt)
	}
	switch {
	case r.Status == runtime.RunQueued.String():
		if r.Queue == runtime.QueuePaused.String() && r.StoppedBy != "" {
			return "held by its recipe's " + r.StoppedBy + " until the recipe is resumed"
		}
		return queueWords(r.Queue, due)
	case r.Error != nil && due != "": // its on_error waits
		return r.Error.Kind + ": " + r.Error.Message + "; on_error " + due
	case r.Error != nil && r.Status == runtime.RunCanceled.String():
		return r.Error.Message
	case r.Error != nil:
		return r.Error.Kind + ": " + r.Error.Message
	case r.Status == runtime.RunWaiting.String() && due == "":
		for i := range r.Steps {
			if s := &r.Steps[i]; s.Child != "" && s.Status == runtime.StepWaiting.String() {
				return "goes on when " + s.Child + " ends, which it called"
			}
		}
		return "goes on when what it waits for has come"
	case r.Status == runtime.RunSkipped.String() && r.StoppedBy == runtime.QueuePaused.String():
		return "dropped, since its recipe is paused"
	case r.Status == runtime.RunSkipped.String() && r.StoppedBy == byLatest:
		return "skipped by latest, since the object that the event is about is no more at its vendor"
	case r.Status == runtime.RunSkipped.String():
		return "dropped by " + r.StoppedBy
	case r.StoppedBy != "":
		return fmt.Sprintf("stopped by %q", r.StoppedBy)
	}
	return due
}

// byLatest is what StoppedBy is where the object of a trigger with latest is no more.
const byLatest = "latest"

func queueWords(queue, due string) string {
	switch queue {
	case runtime.QueuePaused.String():
		return "held, since its recipe is paused"
	case runtime.QueueLane.String():
		return "waits for a place: concurrency"
	case runtime.QueueThrottle.String(), runtime.QueueDebounce.String():
		return queue + ": " + due
	}
	return "about to start"
}

// RunOf is a run as the API shows it, with the steps that it has at hand.
func RunOf(r *runtime.Run) Run { return runJSON(r) }
