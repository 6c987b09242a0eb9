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
	RunQueued  // not started: it waits for its turn, as Run.Queue says, or for Run.Due
	RunSkipped // flow control dropped it before it started, or what it is about is no more, as Run.StoppedBy says
)

var runStatusNames = [...]string{"invalid", "running", "waiting", "completed", "filtered", "failed", "canceled", "queued", "skipped"}

// String returns the word used in JSON and on the command line.
func (s RunStatus) String() string { return name(runStatusNames[:], int(s)) }

// Ended reports whether the status is final.
func (s RunStatus) Ended() bool { return s >= RunCompleted && s != RunQueued }

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

	Queue  Queue     // what a queued run waits for
	Lane   string    // made of the recipe and its concurrency key; empty where the recipe has no concurrency block
	Order  time.Time // its place in the lane: when it was queued, less its priority
	Bulk   bool      // live traffic goes before it: a replay or a retry of many
	Shadow bool      // calls that change anything are recorded and not made

	Waited  time.Duration // spent in waits that have ended; it does not count toward the recipe's timeout
	Retries int           // how often the failed run was taken up again by hand

	// Of a run that another called: the caller's id, the step and element that called, and, as JSON, what it was called
	// with. Output is what it gave back, once it has completed.
	Parent, ParentStep, ParentEach string
	Input, Output                  []byte

	// Arrived is what has come for its waits since they were last looked at, in the order in which it came. The store
	// fills it in Run. It forgets what has come for a step once that step is recorded with another status than waiting,
	// and, when the run is recorded as waiting, what Arrived then holds: it has been looked at. While there is more, a
	// waiting run is due at once, whatever its Due.
	Arrived []Arrival
}

// Queue is why a queued run has not started. The zero Queue is "none".
type Queue uint8

const (
	_             Queue = iota
	QueueLane           // for a place in its lane
	QueueThrottle       // for its turn at Due
	QueueDebounce       // for Due, unless a newer event comes first
	QueuePaused         // until its recipe is resumed
)

var queueNames = [...]string{"none", "concurrency", "throttle", "debounce", "paused"}

// String returns the word used in JSON and on the command line.
func (q Queue) String() string { return name(queueNames[:], int(q)) }

// Arrival is something that came for a waiting step: an event that might be the one it waits for, or the end of the run
// that it called.
type Arrival struct {
	Step, Each string // address of the step, and its element
	EventSeq   int64  // of the event; 0 where a run has ended
	Run        string // id of the run that has ended
}

// Await is what a waiting step looks for, or what an event could be looked for by: an event of the type on the
// connection, and Path, at which the event's payload has the value Key. Path and Key are empty where any event of the
// type may be the one.
type Await struct {
	Connection, EventType string
	Path                  string // dotted, below `trigger`
	Key                   string // canonical JSON of a string, number or bool; its SHA-256 in hex where longer than 64 bytes
}

// StepStatus is where a step stands. The zero status is invalid.
type StepStatus uint8

const (
	_           StepStatus = iota
	StepIntent             // AtMostOnce: the call was about to be made; without an answer its outcome is unknown
	StepWaiting            // an attempt failed, the next is at Step.Due; or a wait, or a called run, has not ended
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
	Index              int    // of the node in the recipe; those of on_error follow upon its own nodes
	Address            string // "action.customer", "wait.paid", "on_error.action.alert"
	Action             string // "stripe_customer_retrieve"; empty for a wait
	Key                string // the idempotency key every attempt carries
	Status             StepStatus
	StartedAt, EndedAt time.Time
	Due                time.Time // of a waiting step
	Attempts           []Attempt
	Input              []byte // JSON, as sent to the connector, secrets left out
	Output             []byte // JSON of the answer, typed by the action
	Error              *StepError

	Each   string  // key of the element of a for_each that it is done for; of a list, the index
	Loop   bool    // it is one of a for_each
	Item   int     // number of the element, from 0; 0 where Loop is false
	Rekey  int     // how often a new key was taken after a definite refusal, or asked for
	Shadow bool    // it was recorded and not made
	Awaits []Await // of a wait for an event that has not ended; one for each event type
	Child  string  // id of the run it called
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

	// Keys are what waiting steps could know the decided event by. In the same transaction the store keeps them with the
	// event, and for every step that awaits one of them an Arrival, and makes its run due at once. A step that is
	// recorded with Awaits, other than those it had, meets in the same way the events kept under them that were accepted
	// after the run's own. Keys of an event that has a decision already are not looked at again.
	Keys []Await

	// Marks are set in the same transaction: what flow control remembers.
	Marks []Mark

	// Wake makes a run due at once, with an Arrival for one of its steps; also one that is running and waits later.
	Wake *Wake
}

// Wake is the end of a called run, for the run that called it.
type Wake struct {
	Run string // the caller
	Arrival
}

// Mark is what flow control remembers of a key: the time up to which a rate is used up, or the run that took a key
// until then. The store may forget it after Expires.
type Mark struct {
	Key     string // made of the kind of limit, the recipe and the key's value
	At      time.Time
	Run     string
	Expires time.Time
}

// Pause is a recipe that takes no events.
type Pause struct {
	Recipe string
	Drop   bool // its events are dropped; else held until it is resumed
	By     string
	At     time.Time
	Reason string // a sentence, where its limits were reached: no call that counts is made then, also not of runs under way
}

// Spending is a call that counts for the budgets of a recipe.
type Spending struct {
	Recipe      string
	ID          string // the same for each attempt: it counts once, from the last on
	At, Expires time.Time
	Budgets     []Budget
}

// Budget is a sum of a recipe's and what a call adds to it.
type Budget struct {
	Name string // told apart within the recipe
	By   int64  // not negative
	Most int64  // the most that the sum may be
}

// StateValue is a value that recipes keep between runs.
type StateValue struct {
	Value   []byte // JSON
	At      time.Time
	Expires time.Time // zero for never
}

// Increment adds to a counter. An increment whose ID the counter has met is not counted again.
type Increment struct {
	Name    string
	ID      string
	By      int64
	At      time.Time
	Expires time.Time // from then on it does not count; zero for never
}

// CountedFor is how long a counter knows the IDs of its increments at the least.
const CountedFor = 35 * 24 * time.Hour

// RecipeCount is how many runs of a recipe, pinned to a program, have not ended.
type RecipeCount struct {
	Recipe, Program          string
	Running, Waiting, Queued int64
}

// Field is a value of an event by which it, and its runs, can be found.
type Field struct {
	Name  string // "customer", "metadata.order": dotted, below `trigger`
	Value string // as text, made by FieldValue
}

// EventFields are the fields of one event.
type EventFields struct {
	Seq    int64
	Fields []Field
}

// Program is a compiled folder as it is kept, so that runs pinned to it can go on after a change of the folder.
type Program struct {
	Digest string
	Files  map[string][]byte
	At     time.Time // when it was first served
	Awaits []Await   // what its waits may look for, without keys
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

	// Programs returns up to limit programs, the one that was first served last before the others, without files and
	// awaits.
	Programs(ctx context.Context, limit int) ([]*Program, error)

	// Undecided returns up to limit events with Seq > after that have no decision, in the order of Seq.
	Undecided(ctx context.Context, after int64, limit int) ([]*Event, error)

	// Unfinished returns up to limit runs with Seq > after that are running, without steps.
	Unfinished(ctx context.Context, after int64, limit int) ([]*Run, error)

	// Due returns up to limit waiting or queued runs whose Due is set and not after now, the earliest first, without steps.
	Due(ctx context.Context, now time.Time, limit int) ([]*Run, error)

	// NextDue returns the earliest Due of all waiting and queued runs, or the zero time.
	NextDue(ctx context.Context) (time.Time, error)

	// Queued returns up to limit runs that are queued for a place in the lane, in the order of Run.Order and Seq, without
	// steps.
	Queued(ctx context.Context, lane string, limit int) ([]*Run, error)

	// InLanes returns up to limit runs with Seq > after that have not ended and have a lane, without steps.
	InLanes(ctx context.Context, after int64, limit int) ([]*Run, error)

	// Awaited returns what the waits of the programs look for that runs which have not ended are pinned to.
	Awaited(ctx context.Context) ([]Await, error)

	// Mark returns ErrNotFound where there is none of that key.
	Mark(ctx context.Context, key string) (*Mark, error)

	// Pause and Resume change whether a recipe takes events; Pauses lists those that don't. Resume also forgets what was
	// spent of the recipe's budgets. Held returns up to limit
	// runs of the recipe that are queued because it is paused, in the order of Seq, without steps.
	Pause(ctx context.Context, p *Pause) error
	Resume(ctx context.Context, recipe string) error
	Pauses(ctx context.Context) ([]*Pause, error)
	Held(ctx context.Context, recipe string, limit int) ([]*Run, error)

	// State returns ErrNotFound where there is no value of that name, or it has expired at now. Increment returns the
	// sum of what has not expired at i.At.
	State(ctx context.Context, name string, now time.Time) (*StateValue, error)
	SetState(ctx context.Context, name string, v *StateValue) error
	Increment(ctx context.Context, i *Increment) (int64, error)

	// Spend counts a call for all of its budgets and returns -1; or, where a sum would be more than its Most, it counts
	// nothing and returns the index of the first such budget and what is spent of it without this call. What has expired
	// at s.At is not spent any more.
	Spend(ctx context.Context, s *Spending) (over int, spent int64, err error)

	// EventsAfter returns up to limit events with Seq > after, in the order of Seq.
	EventsAfter(ctx context.Context, after int64, limit int) ([]*Event, error)

	// AddFields makes events findable by their fields. They come in the order of Seq, with none left out but those
	// without fields; upTo is the last Seq that was looked at. FieldsTo returns the last upTo.
	AddFields(ctx context.Context, upTo int64, events []EventFields) error
	FieldsTo(ctx context.Context) (int64, error)

	// RecipeCounts returns the runs that have not ended, by recipe and program.
	RecipeCounts(ctx context.Context) ([]RecipeCount, error)

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

	// Tally returns how many runs there are by outcome, over the time in which they started. It is cheap, however many
	// there are.
	Tally(ctx context.Context, q TallyQuery) ([]Tally, error)

	// Audit keeps what somebody does through the control door. It sets the Seq of an entry that has none; one that has
	// is overwritten, which is how what has begun is told to have ended. Audits lists the newest first.
	Audit(ctx context.Context, a *Audit) error
	Audits(ctx context.Context, q AuditQuery) ([]*Audit, error)

	// Prune drops payloads and step data of events that were accepted before payloads and have ended, and forgets
	// events accepted before ids altogether. It returns how many it dropped and forgot. Keys of events go when no run
	// that has not ended, and no undecided event, was accepted before them. Audits from before ids go, too.
	Prune(ctx context.Context, payloads, ids time.Time) (dropped, forgotten int, err error)

	// Expire forgets the marks, values and spendings that have expired at now, and the IDs of increments that do not count any more,
	// or count for good, once they are CountedFor old. It returns how many it forgot.
	Expire(ctx context.Context, now time.Time) (int, error)

	// Backup writes a consistent copy to path, which must not exist.
	Backup(ctx context.Context, path string) error

	Close() error
}

// EventQuery selects events. Zero fields select all.
type EventQuery struct {
	Connection, Type string
	Prefix           string    // of the ID
	Since, Until     time.Time // accepted at Since or later, and before Until
	Before           int64     // only those with a smaller Seq; the cursor
	Limit            int       // at most 1000; 0 is 50
	Where            []Field   // all must hold

	// Look returns the fields of an event, for those that were not yet given any; where nil, Where does not find these.
	Look func(*Event) []Field
}

// RunQuery selects runs. Zero fields select all.
type RunQuery struct {
	Recipe, EventID string
	Status          RunStatus
	Statuses        []RunStatus // any of them; goes before Status
	Prefix          string      // of the run's ID or of its event's
	Kind, Step      string      // of the error that it failed with
	Since, Until    time.Time   // started at Since or later, and before Until
	Before          int64
	Limit           int
	Where           []Field // of the run's event; as in EventQuery
	Look            func(*Event) []Field
}

// TallySpan is the width of the buckets in which runs are counted.
const TallySpan = 5 * time.Minute

// TallyQuery asks for numbers of runs. Zero fields select all.
type TallyQuery struct {
	Recipe       string
	ByRecipe     bool      // tell the recipes apart
	Since, Until time.Time // of the buckets: those that begin at Since, cut to its bucket, or later, and before Until

	// Span is the width of a Tally, a multiple of TallySpan; they begin at multiples of it since 1970. 0 takes all time
	// together.
	Span time.Duration
}

// Tally is how many runs started in a span of time and now stand so.
type Tally struct {
	At     time.Time // when the span begins; zero where all time is taken together
	Recipe string    // empty unless recipes are told apart
	Status RunStatus
	Runs   int64
}

// Audit is something that somebody did, or looked at, through the control door.
type Audit struct {
	Seq    int64 // set by the store
	At     time.Time
	Who    string // name of the token or of the user
	Role   string // that it was done in
	Via    string // how it is known who it was: "local", "token", "session" or "proxy"
	From   string // the address
	What   string // "revealed", "retried", …
	IDs    []string
	Count  int    // of all that it concerned, where IDs hold the first of them only
	Detail string // what was asked for: a filter, an option
	Result string // "begun", "done", or why not
}

// AuditQuery selects audits. Zero fields select all.
type AuditQuery struct {
	Who, What string
	ID        string // one of IDs
	Since     time.Time
	Before    int64
	Limit     int // as in EventQuery
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
