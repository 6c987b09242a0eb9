package diag

import (
	"cmp"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// Entry is one row of the table of codes: what `flowrun explain` prints and docs/diagnostics/ is made of.
type Entry struct {
	Code     Code
	Severity hcl.DiagnosticSeverity
	Summary  string // constant, no user names, no full stop
	Cause    string // why it is a mistake, a few sentences

	// Bad is a recipe that has the mistake and Good is the same, mended; both are compiled by a test. Where it takes
	// more than one file each begins with a line `-- name --`. Bad is empty where no text can show the mistake.
	// MissingVariable and MissingSetting show only once values are bound.
	Bad, Good string
}

// Codes. FR1xxx: files and syntax. FR2xxx: names, types and values in recipes. FR3xxx: flow. FR4xxx: connections,
// variables and secrets. FR5xxx: warnings. FR6xxx: tests of recipes.
const (
	FileTooLarge      Code = "FR1001"
	TooDeep           Code = "FR1002"
	Syntax            Code = "FR1003"
	UnexpectedBlock   Code = "FR1004"
	UnexpectedArg     Code = "FR1005"
	WrongLabels       Code = "FR1006"
	NotARecipe        Code = "FR1007"
	DuplicateBlock    Code = "FR1008"
	MissingArg        Code = "FR1009"
	BadName           Code = "FR1010"
	WrongPlace        Code = "FR1011"
	InvisibleChar     Code = "FR1012"
	FileUnreadable    Code = "FR1013"
	UnknownTrigger    Code = "FR2001"
	UnknownAction     Code = "FR2002"
	UnknownInput      Code = "FR2003"
	UnknownAttribute  Code = "FR2004"
	UnknownName       Code = "FR2005"
	UnknownFunction   Code = "FR2006"
	DuplicateName     Code = "FR2007"
	MissingInput      Code = "FR2008"
	OneOf             Code = "FR2009"
	WrongType         Code = "FR2101"
	NeverEqual        Code = "FR2102"
	MayBeNull         Code = "FR2103"
	NotInEnum         Code = "FR2104"
	NotATemplatePart  Code = "FR2105"
	BadLiteral        Code = "FR2106"
	BadCall           Code = "FR2107"
	NotConstant       Code = "FR2108"
	TooExpensive      Code = "FR2109"
	BadIndex          Code = "FR2110"
	TriggersDiffer    Code = "FR2111"
	TooLong           Code = "FR2112"
	EvalFailed        Code = "FR2113"
	BadShape          Code = "FR2120"
	UnknownRecipe     Code = "FR2121"
	NotCallable       Code = "FR2122"
	ReservedName      Code = "FR2123"
	BadArgument       Code = "FR2140"
	Cycle             Code = "FR3001"
	GateNeedsHeldBack Code = "FR3002"
	RetryUnsafe       Code = "FR3004"
	OpenSwitch        Code = "FR3005"
	UnreachableCase   Code = "FR3006"
	StepOutOfReach    Code = "FR3007"
	CallCircle        Code = "FR3020"
	CallOnly          Code = "FR3021"
	TooEarly          Code = "FR3022"
	AmountUnknown     Code = "FR3030"
	PathTaken         Code = "FR3040"
	PathDiffers       Code = "FR3041"
	NotFetchable      Code = "FR3060"
	UnknownConnection Code = "FR4001"
	AmbiguousConn     Code = "FR4002"
	UnknownService    Code = "FR4003"
	EnvOutside        Code = "FR4004"
	MissingVariable   Code = "FR4005"
	BadVariable       Code = "FR4006"
	SecretLeak        Code = "FR4007"
	MissingSetting    Code = "FR4008"
	BadSettings       Code = "FR4040"
	ConstantFilter    Code = "FR5001"
	UnusedLocal       Code = "FR5002"
	NoAction          Code = "FR5003"
	Circle            Code = "FR5004"
	SameTwice         Code = "FR5005"
	OneLane           Code = "FR5020"
	PreviousOfBurst   Code = "FR5021"
	PersonalName      Code = "FR5022"
	NoEffect          Code = "FR5023"
	NullKey           Code = "FR5024"
	NoLimits          Code = "FR5030"
	SideEffect        Code = "FR5060"
	NotTrueYet        Code = "FR5011"
	RiskySetting      Code = "FR5040"
	TestOfNothing     Code = "FR6001"
	TestUnknownName   Code = "FR6002"
	TestValue         Code = "FR6003"
	TestUnknownStep   Code = "FR6004"
	TestWithoutEvent  Code = "FR6005"
	TestOtherEvent    Code = "FR6006"
	TestFixture       Code = "FR6007"
	DuplicateTest     Code = "FR6008"
	TestEval          Code = "FR6009"
	TestAnswer        Code = "FR6010"
)

// lookup returns the row of a code. An unknown code is a fault of the program; its row says so rather than crash.
func lookup(code Code) Entry {
	if e, ok := Lookup(code); ok {
		return e
	}
	return Entry{Code: code, Severity: hcl.DiagError, Summary: "Undocumented problem " + string(code)}
}

// Lookup returns the row of a code; ok is false where there is none.
func Lookup(code Code) (Entry, bool) {
	if len(code) != len("FR0000") {
		return Entry{}, false
	}
	rows := family(code[2])
	i, ok := slices.BinarySearchFunc(rows, code, func(e Entry, c Code) int { return cmp.Compare(e.Code, c) })
	if !ok {
		return Entry{}, false
	}
	return rows[i], true
}

// Table returns all rows in the order of their codes.
func Table() []Entry {
	var all []Entry
	for digit := byte('1'); digit <= '9'; digit++ {
		all = append(all, family(digit)...)
	}
	return all
}

// family returns the rows whose codes begin with that digit, sorted.
func family(digit byte) []Entry {
	switch digit {
	case '1':
		return fileRows[:]
	case '2':
		return slices.Concat(valueRows[:], calledRows[:], useRows[:])
	case '3':
		return slices.Concat(flowRows[:], amountRows[:], pathRows[:], latestRows[:])
	case '4':
		return slices.Concat(connectionRows[:], settingRows[:])
	case '5':
		return slices.Concat(warningRows[:], limitRows[:], riskRows[:])
	case '6':
		return testRows[:]
	}
	return nil
}
