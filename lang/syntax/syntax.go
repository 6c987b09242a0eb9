// Package syntax turns files into blocks with ranges. It knows which blocks and arguments the language has and where
// they may stand; it does not know what a trigger or an action means, and resolves no name.
//
// Files are hostile until proven otherwise: their size and nesting are bounded before the HCL parser sees them, since
// it dies of a stack overflow that cannot be recovered.
package syntax

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Project is all that a folder says.
type Project struct {
	Config  *Config           // flowrun.hcl; never nil
	Recipes []*Recipe         // by name
	Files   map[string][]byte // every file read, by its path in the folder; what diagnostics quote
}

// Config is what recipes share, written in flowrun.hcl.
type Config struct {
	Connections []*Connection
	Variables   []*Variable
	Locals      []*Local
	OnError     *OnError // serves every recipe that has none; nil where there is none
	OnAlert     *OnError // what is done about an alert; nil where there is none

	// Incomplete says that the file has errors, so that a name that is not here may be there all the same.
	Incomplete bool
}

// Recipe is one file that reacts to something.
type Recipe struct {
	Name     string // the path without its ending, "billing/dunning"
	Filename string // "billing/dunning.hcl"

	Settings  *Settings // the recipe block, nil where there is none
	Triggers  []*Trigger
	Steps     []*Step // in the order they are written
	OnError   *OnError
	Output    *Output // nil where there is none
	Locals    []*Local
	Variables []*Variable
}

// Settings is the recipe block. An expression is nil where the argument is left out.
type Settings struct {
	Description, Enabled, Timeout, Labels, Mode, Priority hclsyntax.Expression

	Controls []*Control // in the order they are written, each word once
	Range    hcl.Range  // the block's header
}

// Control is a block of flow control, or limits. It has the arguments that its word needs, unless that is reported.
type Control struct {
	Word  string // "concurrency", "throttle", "rate_limit", "debounce", "deduplicate" or "limits"
	Args  []*Arg
	Range hcl.Range // the block's header
}

// Arg returns the argument of that name, or nil.
func (c *Control) Arg(name string) *Arg {
	for _, a := range c.Args {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// Output is an output block: what a recipe gives back to the one that called it.
type Output struct {
	Args  []*Arg
	Range hcl.Range // the block's header
}

// Trigger is a trigger block.
type Trigger struct {
	Type       string
	TypeRange  hcl.Range
	Name       string               // the last label; the type where there is one label only
	Connection hclsyntax.Expression // a string or connection.NAME; nil where left out
	Latest     *Arg                 // nil where left out
	Args       []*Arg
	Range      hcl.Range
}

// OnError is an on_error block: what is done when a run has failed for good. An on_alert block is one, too.
type OnError struct {
	Steps []*Step
	Range hcl.Range // the block's header
}

// StepKind tells steps apart. The zero kind is invalid.
type StepKind uint8

const (
	_ StepKind = iota
	FilterStep
	ActionStep
	WaitStep
	SwitchStep
)

// Step is a block that stands in the order of a recipe.
type Step struct {
	Kind      StepKind
	Range     hcl.Range // the block's header
	BodyRange hcl.Range // from the opening to the closing brace

	// Of a filter or a switch.
	Label string // free text, may be empty or repeated

	// Of a filter.
	Condition hclsyntax.Expression

	// Of an action or a wait.
	Name      string
	NameRange hcl.Range

	// Of an action.
	Type            string
	TypeRange       hcl.Range
	Args            []*Arg // inputs, without the arguments below
	When            hclsyntax.Expression
	DependsOn       hclsyntax.Expression
	Connection      hclsyntax.Expression
	Timeout         hclsyntax.Expression
	AllowDuplicates hclsyntax.Expression
	Retry           *Retry
	ForEach         hclsyntax.Expression
	MaxParallel     hclsyntax.Expression
	OnError         hclsyntax.Expression

	Wait   *Wait   // of a wait
	Switch *Switch // of a switch
}

// Wait is what a wait block waits for: For, Until or Event is given, unless that is a mistake; then all may be nil.
type Wait struct {
	For, Until, Timeout hclsyntax.Expression
	Event               *WaitEvent
}

// WaitEvent is an event that is waited for.
type WaitEvent struct {
	*Trigger
	Match hclsyntax.Expression // nil where left out
}

// Switch is the body of a switch block.
type Switch struct {
	On    hclsyntax.Expression
	Cases []*Case // in the order they are written, default among them
}

// Case is a case or a default block.
type Case struct {
	Default bool
	Labels  []Label // none of a default
	Steps   []*Step
	Range   hcl.Range // the block's header
}

// Label is one value of a case.
type Label struct {
	Text  string
	Range hcl.Range
}

// Retry is a retry block. An expression is nil where the argument is left out.
type Retry struct {
	Attempts, Min, Max, On hclsyntax.Expression
	Range                  hcl.Range
}

// Arg is one argument: name = expression.
type Arg struct {
	Name      string
	NameRange hcl.Range
	Expr      hclsyntax.Expression
	Range     hcl.Range
}

// Local is one entry of a locals block.
type Local = Arg

// Variable is a variable block. An expression is nil where the argument is left out.
type Variable struct {
	Name                                  string
	NameRange                             hcl.Range
	Type, Default, Sensitive, Description hclsyntax.Expression
	Validations                           []*Validation
	Range                                 hcl.Range
}

// Validation is a validation block of a variable.
type Validation struct {
	Condition, ErrorMessage hclsyntax.Expression
	Range                   hcl.Range
}

// Connection is a connection block.
type Connection struct {
	Service      string
	ServiceRange hcl.Range
	Name         string // the service's name where there is one label only
	Args         []*Arg
	Range        hcl.Range
}
