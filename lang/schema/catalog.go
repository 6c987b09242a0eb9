package schema

import (
	"slices"

	"github.com/zclconf/go-cty/cty"
)

// Effect says whether a repeat of an action's call is safe. The zero Effect is invalid.
type Effect uint8

const (
	_          Effect = iota
	Read              // changes nothing at the vendor
	Idempotent        // a repeat with the same input leaves the vendor as one call does
	Keyed             // the vendor takes a key by which it recognises a repeat
	AtMostOnce        // a repeat would be a second effect: the intent is committed first, an unknown outcome is not repeated
)

// String returns the word used in docs and JSON: "read", "idempotent", "keyed", "at_most_once".
func (e Effect) String() string {
	switch e {
	case Read:
		return "read"
	case Idempotent:
		return "idempotent"
	case Keyed:
		return "keyed"
	case AtMostOnce:
		return "at_most_once"
	}
	return "invalid"
}

// Lasting is what of a call can't be undone, whoever asks for it afterwards. The zero Lasting is nothing: it can be taken
// back by another call, or nothing was changed.
type Lasting struct {
	Kind LastingKind

	// Of money: the inputs that say how much, in the currency's smallest unit, and of which currency. Each is empty
	// where the action has no such input.
	Amount, Currency string

	// Only is the input, a bool, that must be true for it to be so; empty where each call does it.
	Only string
}

// LastingKind is a kind of what can't be undone. The zero kind is none.
type LastingKind uint8

const (
	_            LastingKind = iota
	MovesMoney               // a refund, a payment, a payout, a transfer
	Deletes                  // what is gone can't be had back
	Cancels                  // what was ended can't be begun again
	SendsMessage             // somebody has read it
)

// String returns the word used in docs and JSON: "money", "deletion", "cancellation", "message", or "".
func (k LastingKind) String() string {
	switch k {
	case MovesMoney:
		return "money"
	case Deletes:
		return "deletion"
	case Cancels:
		return "cancellation"
	case SendsMessage:
		return "message"
	}
	return ""
}

// Words says in a few words what a call does.
func (k LastingKind) Words() string {
	switch k {
	case MovesMoney:
		return "moves money"
	case Deletes:
		return "deletes"
	case Cancels:
		return "cancels"
	case SendsMessage:
		return "sends a message"
	}
	return ""
}

// Grave reports whether it is of the kinds that a recipe should not do without limits.
func (k LastingKind) Grave() bool { return k == MovesMoney || k == Deletes }

// Catalog is all that a recipe can name of the world. It must be immutable and safe for concurrent use.
type Catalog interface {
	// Trigger, Action and Service return nil where there is none of that name.
	Trigger(name string) *Trigger
	Action(name string) *Action
	Service(name string) *Service

	// TriggerNames, ActionNames and ServiceNames are sorted.
	TriggerNames() []string
	ActionNames() []string
	ServiceNames() []string
}

// Trigger is one kind of event that starts a recipe, as a recipe author sees it.
type Trigger struct {
	Name    string // "stripe_charge_failed"
	Service string // "stripe"
	Doc     string

	// Settings are the arguments of the block.
	Settings *Object

	// Payload is the shape of `trigger`.
	Payload *Object

	// Events are the vendor's event types that fire it. Where TypesSetting is set they are instead what that
	// setting (a list of strings, literals only) says, and PayloadFor gives the shape of what those types share.
	Events       []string
	TypesSetting string
	KnownTypes   []string // what TypesSetting may hold
	PayloadFor   func(types []string) *Object

	// Previous says that `previous` is there: the old values of what an update changed.
	Previous bool

	// Guards narrow which events fire the trigger, by its settings.
	Guards []Guard

	// Choose gives the event types and the guards for what the settings say, where Events and Guards don't say it all.
	// The settings are constants by their names; those that were not given are not there.
	Choose func(settings map[string]cty.Value) (events []string, guards []Guard)

	// AtFirst is what is so of a payload as a rule when the event comes: a new invoice is a draft or open. It fires
	// nothing; the checker warns of a filter that asks for something else.
	AtFirst []Guard

	// Latest says how the object of events of those types is fetched as it is now. The error says why it can't be, as a
	// sentence without its full stop. Nil where nothing that the trigger is about can be fetched.
	Latest func(events []string) (*Fetch, error)

	// ShapeSetting is the setting in which the recipe declares a shape, written as types: { email = string }. It is no
	// value. Empty where the trigger has none.
	ShapeSetting string

	// For says what the trigger is where a recipe uses it; nil where it is the same everywhere.
	For func(*Use) TriggerUse

	// PathSetting is the setting that names the path below /webhooks/ at which its events come in; they are of that
	// type. Recipes that share a path must agree in their settings. Empty where events come in as its service says.
	PathSetting string
}

// Fetch is a look-up of what an event is about.
type Fetch struct {
	Action string          // a Read; its answer has the payload's shape, and is null where the object is no more
	Inputs map[string]Path // where in the payload its inputs stand
}

// Guard is a condition on an event that a trigger's setting switches on.
type Guard struct {
	// Setting is, of Guards, the boolean setting that must be true for the guard to hold; of those that Choose gives, the
	// setting that asks for it, or empty where the trigger means it so.
	Setting string

	Path Path // in the payload

	// The value at Path must be null (Null is true), must not be null, or must be one of In: the texts of strings, or
	// "true" and "false".
	Null bool
	In   []string

	// Types are the event types that the guard is for; all where empty.
	Types []string

	// Test is the condition where no path tells; Path then means nothing. It is given the payload and the old values of
	// what changed, as JSON; previous is nil where there are none.
	Test func(object, previous []byte) bool

	// Why says of an AtFirst why it is so, as a sentence without its full stop.
	Why string
}

// Plain reports whether the guard is no more than a null test for all types, which the engine puts into its index.
func (g *Guard) Plain() bool { return g.Test == nil && len(g.In) == 0 && len(g.Types) == 0 }

// Proves reports whether the value at Path can't be null where the guard holds.
func (g *Guard) Proves() bool { return g.Test == nil && !g.Null && len(g.Types) == 0 }

// Admits reports whether an event passes the guard.
func (g *Guard) Admits(eventType string, object, previous []byte) bool {
	if len(g.Types) > 0 && !slices.Contains(g.Types, eventType) {
		return true
	}
	if g.Test != nil {
		return g.Test(object, previous)
	}
	raw := Lookup(object, g.Path...)
	if len(g.In) == 0 {
		return (raw == nil || IsNull(raw)) == g.Null
	}
	text, ok := StringOf(raw)
	if !ok {
		text = string(trim(raw))
	}
	return raw != nil && slices.Contains(g.In, text)
}

// Action is one thing a recipe can do, as a recipe author sees it.
type Action struct {
	Name    string // "customerio_track"
	Service string
	Doc     string
	In      *Object
	Out     *Object // nil where the vendor answers nothing worth having
	Effect  Effect
	Lasting Lasting // what of it can't be undone

	// OutSetting is the input, a list of strings that must be written out, that says more of the answer's shape: OutFor
	// gives the shape for what it holds, or says what is wrong with it. Empty where the answer has the shape Out whatever the input.
	OutSetting string
	OutFor     func(values []string) (*Object, error)

	// OutMayBeNull says that the whole answer may be null: a look-up that finds nothing.
	OutMayBeNull bool

	// Emits are the event types that the call makes the same service send, through the same connection.
	Emits []string

	// ShapeInput is the input in which the recipe declares the shape of an answer, written as a type. It is no value,
	// and the call does not see it. Empty where the action has none.
	ShapeInput string

	// For says what the action is where a recipe uses it; nil where it is the same everywhere.
	For func(*Use) ActionUse
}

// Service is one vendor, as a connection block sees it.
type Service struct {
	Name     string
	Doc      string
	Settings *Object // secrets among them are marked

	// Env maps a setting to the environment variable that serves where no connection block gives it.
	Env map[string]string

	// SigningSetting is the setting that holds the secret of incoming webhooks; empty where the service sends none.
	SigningSetting string

	// Unsigned is a value of the setting named first with which SigningSetting may be left out: {"verify", "none"}.
	Unsigned [2]string

	// Check looks at how the settings of a connection block go together; nil where each stands for itself.
	Check func(*Use) []Problem
}
