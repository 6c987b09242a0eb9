package stripe

import "github.com/flowrun/flowrun/connectors"

func helperNames() []string { return nil }

func (c *catalog) helper(name string) *connectors.Action { return nil }

// Helpers returns the names of the actions that are no single operation of the API, sorted.
func Helpers() []string {
	names := helperNames()
	for i := range names {
		names[i] = "stripe_" + names[i]
	}
	return names
}
