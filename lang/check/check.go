// Package check turns parsed files into recipes that can be run. It resolves every name, infers the type of every
// expression, and says what can't work before anything runs.
package check

// Result is all that a project says, checked. Where the diagnostics hold an error it is for tooling only.
type Result struct {
	Recipes     []*Recipe     // by name
	Connections []*Connection // by name, declared and implied
	Variables   []*Variable   // the project's by name, then each recipe's
}
