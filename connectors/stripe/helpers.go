package stripe

import "github.com/flowrun/flowrun/connectors"

func helperNames() []string { return nil }

func (c *catalog) helper(name string) *connectors.Action { return nil }
