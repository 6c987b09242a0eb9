package schema

import "github.com/zclconf/go-cty/cty"

// Use is one place where a recipe uses a trigger or an action, or one connection block: what can be told of it from the
// text alone.
type Use struct {
	Recipe string // the recipe's name; empty of a connection
	Name   string // of the trigger, the step or the connection
	Sole   bool   // of a trigger: the recipe has no other

	// Shape is what the argument declares that ShapeSetting names; nil where it is left out, or is no shape.
	Shape *Type

	// Given has an entry for each argument that is written, with its value where that can be told from the text, and
	// cty.NilVal where it can't.
	Given map[string]cty.Value
}

// Text returns an argument that is a string known from the text, or "".
func (u *Use) Text(name string) string {
	if v, ok := u.Given[name]; ok && v != cty.NilVal && !v.IsNull() && v.Type() == cty.String {
		return v.AsString()
	}
	return ""
}

// Problem is an argument that can't stand where it does, for a reason that its type doesn't show.
type Problem struct {
	Setting string // the argument; empty where it is about the block as a whole
	Reason  string // a sentence: what is wrong, and how to mend it
	Warning bool   // it works, and is a risk
}

// TriggerUse is what a trigger is where one recipe uses it.
type TriggerUse struct {
	Events   []string // as Trigger.Events
	Payload  *Object  // the shape of `trigger`
	Overlap  Overlap  // what happens to an event while a run of the recipe is under way
	Problems []Problem
}

// Overlap says what a trigger asks of the recipe's flow control. The zero Overlap asks nothing.
type Overlap uint8

const (
	AnyOverlap   Overlap = iota
	SkipOverlap          // one run at a time; an event that comes meanwhile is dropped
	QueueOverlap         // one run at a time; an event that comes meanwhile waits
)

// ActionUse is what an action is where one recipe uses it.
type ActionUse struct {
	Effect   Effect
	Lasting  Lasting // where it is another than the action's own
	Out      *Object
	Problems []Problem
}
