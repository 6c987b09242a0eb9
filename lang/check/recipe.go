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

	Triggers []*Trigger
	Nodes    []*Node  // in the order they are written
	Locals   []*Local // the project's, then the recipe's; each after those it needs
	Vars     []string // names of the variables it reads

	// Reads and ReadsPrevious are what the recipe reads of `trigger` and `previous`, all nodes and locals together.
	Reads, ReadsPrevious *schema.Paths
}

// Trigger is one way in which a recipe starts.
type Trigger struct {
	Spec       *schema.Trigger
	Name       string
	Connection string   // resolved
	Events     []string // the vendor's event types it listens to; "*" for all
	Payload    *schema.Object
	Guards     []schema.Guard // those its settings switched on
	Range      hcl.Range
}

// NodeKind tells gates from steps. The zero kind is invalid.
type NodeKind uint8

const (
	_ NodeKind = iota
	Filter
	Action
)

// Node is one step of a recipe's graph.
type Node struct {
	Kind    NodeKind
	Index   int    // in Recipe.Nodes
	Name    string // of an action; the label of a filter
	Address string // "action.customer", "filter.1" (filters are numbered from 1 as they stand)
	Range   hcl.Range

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
	Connection      string // resolved
	Inputs          []Input
	Personal        []string       // names of the inputs that carry data of a person, sorted
	When            hcl.Expression // nil where there is none
	Timeout         time.Duration  // of one attempt; 0 for the default
	Retry           Retry
	AllowDuplicates bool

	// Needs are the nodes whose results it reads, directly or through locals, and those it depends on: ascending.
	Needs []int
	// Gates are the nodes that hold it back: every filter above it, ascending.
	Gates []int
	// Locals are the locals that its expressions read, directly or not, as indices into Recipe.Locals, ascending.
	Locals []int
	// Reads and ReadsPrevious are what it reads of `trigger` and `previous`, also through locals.
	Reads, ReadsPrevious *schema.Paths
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
