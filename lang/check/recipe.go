package check

import (
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
)

// Recipe is one checked recipe: a graph that can be run. It is immutable.
type Recipe struct {
	Name        string // "billing/dunning"
	Filename    string
	Description string
	Disabled    bool
	Timeout     time.Duration // 0 for none
	Labels      map[string]string

	Triggers []*Trigger // one for each block, or for each object that the types of a block carry
	Nodes    []*Node    // in the order they are written; a switch stands before the nodes of its cases
	OnError  []*Node    // what runs when a run has failed: its own on_error, or the project's; their indices are into this list
	Locals   []*Local   // the project's, then the recipe's; each after those it needs
	Vars     []string   // names of the variables it reads

	Flow   Flow // flow control; the zero Flow where there is none
	Shadow bool // mode = "shadow": calls that change anything are recorded and not made

	// Limits bounds what its steps do of what can't be undone; nil where the recipe says nothing of it.
	Limits *Limits

	// Callable is the shape of what the recipe is called with, where it is one that others call with recipe_run; it is
	// its `trigger` then. Outputs are what it gives back once it has completed, all of its gates passed; where one has
	// stopped it, or flow control dropped it, its answer as a whole is null (Action.OutMayBeNull of the call says so).
	Callable *schema.Object
	Outputs  []*Output

	// Reads and ReadsPrevious are what the recipe reads of `trigger` and `previous`, all nodes, locals, flow control and
	// outputs together.
	Reads, ReadsPrevious *schema.Paths
}

// Flow is a recipe's flow control. Its expressions are bounded and read trigger, previous, event, var and local only. A
// block that is left out is nil. Where several are given, they act in the order of the fields.
type Flow struct {
	Deduplicate *Deduplicate
	RateLimit   *Rate // events beyond it are dropped
	Debounce    *Debounce
	Throttle    *Rate // events beyond it are queued
	Concurrency *Concurrency
	Priority    hcl.Expression // a number of seconds by which it goes before others of its lane; nil for 0
}

// Limits is the most that a recipe may do within any hour. A limit that is not given is 0.
type Limits struct {
	MaxPerHour int64 // calls of nodes that Counts
	MaxAmount  int64 // money that they move, in the smallest unit, each currency by itself
}

// Deduplicate drops an event whose key a run of the recipe has had within For.
type Deduplicate struct {
	Key hcl.Expression
	For time.Duration
}

// Rate is so many runs in a period, for each value of the key.
type Rate struct {
	Key    hcl.Expression // nil where all share one
	Limit  int
	Period time.Duration
	Burst  int // so many more may start at once; of a throttle. 0 for none
}

// Debounce starts the last of a burst of events with one key, once none has come for Period, and at the latest Timeout
// after the first.
type Debounce struct {
	Key     hcl.Expression
	Period  time.Duration
	Timeout time.Duration // 0 for none
}

// Concurrency is how many runs with one key are under way at a time.
type Concurrency struct {
	Key          hcl.Expression // nil where all share one lane; a null value is a lane of its own
	Limit        int
	OnConflict   Conflict
	WhileWaiting bool // a run in a wait keeps its place
}

// Conflict is what happens to an event whose lane is full. The zero Conflict is invalid.
type Conflict uint8

const (
	_ Conflict = iota
	QueueConflict
	SkipConflict
	CancelRunning
)

// Output is one value that a called recipe gives back.
type Output struct {
	Name  string
	Expr  hcl.Expression // bounded
	Needs []int          // the nodes it reads
	Type  schema.Type
	Null  bool // it may be null
	Range hcl.Range
}

// Trigger is one way in which a recipe starts.
type Trigger struct {
	Spec       *schema.Trigger
	Name       string
	Connection string   // resolved
	Events     []string // the vendor's event types it listens to; "*" for all
	Payload    *schema.Object
	Guards     []schema.Guard       // those its settings switched on
	Latest     *schema.Fetch        // how its object is fetched when a run starts; nil where `trigger` is what the event carries
	Settings   map[string]cty.Value // those that are written, but for a shape
	Range      hcl.Range
}

// NodeKind tells gates from steps. The zero kind is invalid.
type NodeKind uint8

const (
	_ NodeKind = iota
	Filter
	Action
	Wait
	Switch
)

// Node is one step of a recipe's graph.
type Node struct {
	Kind    NodeKind
	Index   int    // in Recipe.Nodes, or in Recipe.OnError
	Name    string // of an action or a wait; the label of a filter or a switch
	Address string // "action.customer", "wait.paid", "filter.1", "switch.1" (numbered from 1 as they stand), "trigger.NAME" of what is fetched for a trigger; "on_error." before it in on_error
	Range   hcl.Range

	// Parent is the index of the switch in one of whose cases it stands, and Case which of the switch's Cases that is.
	// Parent is -1 at the top of a recipe or of on_error.
	Parent, Case int

	// Condition is a filter's. Its expression is bounded (eval.Bound).
	Condition hcl.Expression
	// Simple are the comparisons that begin the condition, such as those of a && b && c, and whose outcome can be told
	// without evaluating an expression. Exact says that they are the whole condition.
	Simple []Predicate
	Exact  bool
	// Leading says that the filter needs no step and nothing but filters stands above it, so that it can be decided
	// before there is a run.
	Leading bool

	// Of an action.
	Action          *schema.Action
	Out             *schema.Object // the shape of its answer; nil where it answers nothing
	Connection      string         // resolved
	Inputs          []Input
	Personal        []string       // names of the inputs that carry data of a person, sorted
	When            hcl.Expression // nil where there is none
	Timeout         time.Duration  // of one attempt; 0 for the default
	Retry           Retry
	AllowDuplicates bool
	ForEach         hcl.Expression // the list or map whose elements it is done for; nil where it is done once
	MaxParallel     int            // how many of them at a time; 0 where the recipe doesn't say
	ContinueOnError bool           // the run goes on where it fails, with null for its answer

	// Counts says that its calls count for limits: they do what Action.Lasting says, where that names an input, when it
	// is true.
	Counts bool

	Wait *WaitFor // of a wait

	// Latest is, of the look-up that stands for a trigger with latest, that trigger; nil of all others. It is an action
	// that nobody wrote: where its trigger started the run, its answer is `trigger` from then on, and everything below
	// the filters that it stands under waits for it. Where the answer is null, the run ends.
	Latest *Trigger

	// Calls is the name of the recipe that an action recipe_run calls. Its Action has the callee's shapes: In is what the
	// callee is called with, and Inputs fill it in; Out is nil where the callee has no output.
	Calls string

	// Of a switch. The first case that has the value of On is taken, or the default, or none; null goes to the default.
	On    hcl.Expression
	Cases []Case

	// Needs are the nodes whose results it reads, directly or through locals, and those it depends on: ascending.
	Needs []int
	// Ordered are those of Needs that it names in depends_on only, and so does not read: ascending.
	Ordered []int
	// Gates are the nodes that hold it back: every filter, wait and fetched trigger above it in its block, and those that
	// hold back the switches it stands in, ascending.
	Gates []int
	// After are the nodes that must have ended before a wait begins: everything above it in its block, ascending. It is
	// nil for all but waits.
	After []int
	// Locals are the locals that its expressions read, directly or not, as indices into Recipe.Locals, ascending.
	Locals []int
	// Reads and ReadsPrevious are what it reads of `trigger` and `previous`, also through locals.
	Reads, ReadsPrevious *schema.Paths
}

// WaitFor says what a wait waits for: For, Until or Event is set.
type WaitFor struct {
	For     time.Duration
	Until   hcl.Expression // a string, an RFC 3339 time; bounded
	Event   *Trigger
	Match   hcl.Expression // of an event: whether `incoming` is the one, false where that can't be told for a null; nil for the first that comes. Bounded
	Timeout time.Duration  // of an event

	// By is an equality that Match asks for, by which the event can be looked up: the value at By of its payload is that
	// of ByExpr, which does not read incoming: where that is null or has no value, no event is the one. By is nil where
	// Match asks for none.
	By     schema.Path
	ByExpr hcl.Expression // bounded

	// Reads is what nodes and locals read of the event's payload, through `incoming` and wait.NAME.
	Reads *schema.Paths
}

// Case is a case of a switch, or its default.
type Case struct {
	Default bool
	Values  []cty.Value // of the type of Switch.On where the checker knows it, else strings
	Nodes   []int       // that stand in it, those of switches within it not among them
	Range   hcl.Range
}

// Input is one argument of an action.
type Input struct {
	Field *schema.Field
	Expr  hcl.Expression // bounded
}

// Local is a named expression.
type Local struct {
	Name  string
	Expr  hcl.Expression // bounded
	Needs []int          // indices of the locals it reads, directly or not, ascending
	Range hcl.Range
}

// Retry is a retry block with its defaults filled in.
type Retry struct {
	Attempts int           // at most so many, the first included; 0 for no limit but For
	For      time.Duration // from the first attempt on
	Min, Max time.Duration
	On       []string // kinds; empty for those that can pass
}

// Op is a comparison. The zero Op is invalid.
type Op uint8

const (
	_ Op = iota
	Equal
	NotEqual
	Less
	LessOrEqual
	Greater
	GreaterOrEqual
)

// Predicate is one comparison of a payload's value with a literal.
type Predicate struct {
	Path  schema.Path // below `trigger`
	Op    Op
	Value cty.Value // a known string, number or bool; or null, with Equal and NotEqual only
}

// Connection is one that recipes use: declared by a block, or implied where a service is used without one.
type Connection struct {
	Name     string
	Service  *schema.Service
	Settings map[string]hcl.Expression // nil for an implied one
	Ranges   map[string]hcl.Range      // of the settings' expressions
	Range    hcl.Range                 // of the block's header, or of the first use
	Listens  bool                      // a trigger uses it, so that its webhooks need a secret
}

// Variable is a variable that can be given from outside.
type Variable struct {
	Name        string
	Recipe      string // the recipe that declares it, empty for the project's
	Description string
	Type        cty.Type
	Default     hcl.Expression // nil where a value must be given
	Sensitive   bool
	Validations []Validation
	Range       hcl.Range
}

// Validation is a condition that a variable's value must meet.
type Validation struct {
	Condition, ErrorMessage hcl.Expression
	Range                   hcl.Range
}
