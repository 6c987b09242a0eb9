package runtime

import "strings"

// Holds reports whether a run has the ids and the error that are asked for: the conditions that stores look at one run
// at a time.
func (q *RunQuery) Holds(r *Run) bool {
	if !strings.HasPrefix(r.ID, q.Prefix) && !strings.HasPrefix(r.EventID, q.Prefix) {
		return false
	}
	if q.Kind == "" && q.Step == "" {
		return true
	}
	return r.Error != nil && (q.Kind == "" || string(r.Error.Kind) == q.Kind) && (q.Step == "" || r.Error.Step == q.Step)
}
