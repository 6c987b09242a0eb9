// Package runtime holds the durable records of the machine (events, decisions, runs, steps), the Store that keeps
// them, the clock, and nothing that acts: the technologies and the engine live in the packages beneath it.
package runtime

import (
	"context"
	"errors"
	"time"

	"github.com/flowrun/flowrun/connectors"
)

// Event is one thing that happened at a vendor, as it was accepted. Once stored it never changes.
type Event struct {
	Seq        int64  // order of acceptance in this store, from 1; set by the store
	Connection string // the connection whose door it came through
	Service    string
	ID         string    // the vendor's; unique within the connection
	Type       string    // the vendor's word, "charge.failed"
	Time       time.Time // when it happened, by the vendor's clock
	ReceivedAt time.Time // when it was accepted, by ours
	Account    string    // the connected account it came for, empty for the connection's own
	APIVersion string    // the version the payload was rendered in, empty where unknown
	Livemode   bool
	Payload    []byte // the raw body, exactly as signed; nil once retention has dropped it
}

// Decision is what a program made of an event: which recipes took it. It is the compact record that stays for events
// nothing ran for; "why did it not run?" evaluates again.
type Decision struct {
	EventSeq int64
	Program  string // the digest that decided
	At       time.Time

	// Matched has one bit for each recipe of the program that listens to the event's type, in the order of their
	// names: bit i of byte i/8. It is nil where no recipe listens.
	Matched []byte
	Runs    int // how many runs the event led to
}

// RunStatus is where a run stands. The zero status is invalid.
type RunStatus uint8

const (
	_          RunStatus = iota
	RunRunning           // steps are under way, or were when the process ended
	RunWaiting           // nothing to do before Run.Due
	RunCompleted
	RunFiltered // a gate stopped it before any step ran
	RunFailed
	RunCanceled
)

var runStatusNames = [...]string{"invalid", "running", "waiting", "completed", "filtered", "failed", "canceled"}

// String returns the word used in JSON and on the command line.
func (s RunStatus) String() string { return name(runStatusNames[:], int(s)) }

// Ended reports whether the status is final.
func (s RunStatus) Ended() bool { return s >= RunCompleted }

// ParseRunStatus is the inverse of String.
func ParseRunStatus(word string) (RunStatus, bool) {
	i, ok := parse(runStatusNames[:], word)
	return RunStatus(i), ok
}

// Run is one recipe taking one event.
type Run struct {
	Seq                            int64  // order of first recording in this store; set by the store
	ID                             string // made by RunID; the same for the same event, recipe and replay
	EventSeq                       int64
	Connection, EventID, EventType string // of the event, for lists
	Recipe                         string
	Program                        string // digest of the program it is pinned to
	Status                         RunStatus
	StartedAt                      time.Time
	EndedAt                        time.Time  // zero while it has not ended
	Due                            time.Time  // of a waiting run: when it goes on
	StoppedBy                      string     // label of the gate that stopped it, where one did
	Error                          *StepError // why it failed
	ReplayOf                       string     // the run it replays, if it does
	Generation                     int        // raised when a repeat of effects was asked for
	Steps                          []*Step    // those that were started or skipped, in the order of the recipe
}

// StepStatus is where a step stands. The zero status is invalid.
type StepStatus uint8

const (
	_           StepStatus = iota
	StepIntent             // AtMostOnce: the call was about to be made; without an answer its outcome is unknown
	StepWaiting            // an attempt failed, the next is at Step.Due
	StepDone
	StepSkipped // its `when` was false
	StepFailed
	StepUnknown // the call was made and its answer never came
)

var stepStatusNames = [...]string{"invalid", "intent", "waiting", "done", "skipped", "failed", "unknown"}

// String returns the word used in JSON and on the command line.
func (s StepStatus) String() string { return name(stepStatusNames[:], int(s)) }

// ParseStepStatus is the inverse of String.
func ParseStepStatus(word string) (StepStatus, bool) {
	i, ok := parse(stepStatusNames[:], word)
	return StepStatus(i), ok
}

// Step is one step of a run.
type Step struct {
	Index              int    // of the node in the recipe
	Address            string // "action.customer"
	Action             string // "stripe_customer_retrieve"
	Key                string // the idempotency key every attempt carries
	Status             StepStatus
	StartedAt, EndedAt time.Time
	Due                time.Time // of a waiting step
	Attempts           []Attempt
	Input              []byte // JSON, as sent to the connector, secrets left out
	Output             []byte // JSON of the answer, typed by the action
	Error              *StepError
}

// Attempt is one try of a step's call.
type Attempt struct {
	At       time.Time     `json:"at"`
	Duration time.Duration `json:"duration"`         // nanoseconds
	Status   int           `json:"status,omitempty"` // of the HTTP answer, 0 where none came
	Error    *StepError    `json:"error,omitempty"`
}

// StepError is a failure as it is kept and shown.
type StepError struct {
	Step    string          `json:"step,omitempty"`
	Kind    connectors.Kind `json:"kind"`
	Status  int             `json:"status,omitempty"` // HTTP
	Message string          `json:"message"`
}

// Error makes a StepError an error.
func (e *StepError) Error() string { return string(e.Kind) + ": " + e.Message }

// Change is one fact about the progress of runs, recorded in one transaction.
type Change struct {
	Decision *Decision // set when every run of the event has ended or has been recorded
	Runs     []*Run    // new or changed; a run's Steps are those that are new or changed
}

// Program is a compiled folder as it is kept, so that runs pinned to it can go on after a change of the folder.
type Program struct {
	Digest string
	Files  map[string][]byte
	At     time.Time // when it was first served
}

// Errors that callers tell apart.
var (
	ErrNotFound = errors.New("not found")
	ErrLocked   = errors.New("the store is in use by another process")
	ErrClosed   = errors.New("the store is closed")
)

// Store is the journal. Every method is one complete transaction; what it returns without an error is on disk, synced.
// It is safe for concurrent use, and concurrent writes share a commit.
type Store interface {
	// AcceptEvent stores the event, sets its Seq, and returns true; or false, and the first one's Seq, where the
	// connection has had an event with that ID.
	AcceptEvent(ctx context.Context, e *Event) (accepted bool, err error)

	// Record stores a change. Recording the same change again is harmless.
	Record(ctx context.Context, c *Change) error

	// KeepProgram stores a program's files under its digest, once.
	KeepProgram(ctx context.Context, p *Program) error
	Program(ctx context.Context, digest string) (*Program, error)

	// Undecided returns up to limit events with Seq > after that have no decision, in the order of Seq.
	Undecided(ctx context.Context, after int64, limit int) ([]*Event, error)

	// Unfinished returns up to limit runs with Seq > after that have not ended, with all their steps.
	Unfinished(ctx context.Context, after int64, limit int) ([]*Run, error)

	// Due returns up to limit waiting runs whose Due is not after now, the earliest first, with all their steps.
	Due(ctx context.Context, now time.Time, limit int) ([]*Run, error)

	// NextDue returns the earliest Due of all waiting runs, or the zero time.
	NextDue(ctx context.Context) (time.Time, error)

	// Event, Decision and Run return ErrNotFound where there is none. Event looks up by the vendor's id, in any
	// connection where connection is empty; EventBySeq by order.
	Event(ctx context.Context, connection, id string) (*Event, error)
	EventBySeq(ctx context.Context, seq int64) (*Event, error)
	Decision(ctx context.Context, eventSeq int64) (*Decision, error)
	Run(ctx context.Context, id string) (*Run, error)

	// RunsOf returns the runs of an event, with their steps, in the order of Seq.
	RunsOf(ctx context.Context, eventSeq int64) ([]*Run, error)

	// Events and Runs list the newest first. Payloads and steps are left out.
	Events(ctx context.Context, q EventQuery) ([]*Event, error)
	Runs(ctx context.Context, q RunQuery) ([]*Run, error)

	// Counts returns what status and metrics show.
	Counts(ctx context.Context) (Counts, error)

	// Prune drops payloads and step data of events that were accepted before payloads and have ended, and forgets
	// events accepted before ids altogether. It returns how many it dropped and forgot.
	Prune(ctx context.Context, payloads, ids time.Time) (dropped, forgotten int, err error)

	// Backup writes a consistent copy to path, which must not exist.
	Backup(ctx context.Context, path string) error

	Close() error
}

// EventQuery selects events. Zero fields select all.
type EventQuery struct {
	Connection, Type string
	Since            time.Time
	Before           int64 // only those with a smaller Seq; the cursor
	Limit            int   // at most 1000; 0 is 50
}

// RunQuery selects runs. Zero fields select all.
type RunQuery struct {
	Recipe, EventID string
	Status          RunStatus
	Since           time.Time
	Before          int64
	Limit           int
}

// Counts is the size of what a store holds.
type Counts struct {
	Events    int64 // accepted and not forgotten
	Undecided int64
	Runs      map[RunStatus]int64
	LastSeq   int64
	Bytes     int64 // on disk
}

// Clock tells the time and wakes. Tests use runtimetest's.
type Clock interface {
	Now() time.Time
	// After returns a channel that receives the time once d has passed, and a function that releases the timer.
	After(d time.Duration) (<-chan time.Time, func())
}

// SystemClock is the machine's clock.
type SystemClock struct{}

// Now returns the current time.
func (SystemClock) Now() time.Time { return time.Now() }

// After wraps time.NewTimer.
func (SystemClock) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

var _ Clock = SystemClock{}

func name(names []string, i int) string {
	if i <= 0 || i >= len(names) {
		return names[0]
	}
	return names[i]
}

func parse(names []string, word string) (int, bool) {
	for i := 1; i < len(names); i++ {
		if names[i] == word {
			return i, true
		}
	}
	return 0, false
}
