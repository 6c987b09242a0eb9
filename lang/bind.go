package lang

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Inputs is where the values of variables and settings come from. The functions may be nil: then there is no
// environment and no file.
type Inputs struct {
	// Env looks up an environment variable.
	Env func(name string) (string, bool)

	// Vars gives variables by name, as text; it goes before the environment's FLOWRUN_VAR_name.
	Vars map[string]string

	// ReadFile reads the file that file("path") names.
	ReadFile func(path string) ([]byte, error)
}

// Bindings is a program's variables and connections with their values. Its marks say what is secret.
type Bindings struct {
	// Vars is the value of `var` for each recipe, by the recipe's name: always an object.
	Vars map[string]cty.Value

	// Connections are in the order of their names.
	Connections []BoundConnection

	// Secrets are all secret texts, for redaction.
	Secrets []string
}

// BoundConnection is a connection with its settings resolved.
type BoundConnection struct {
	Name, Service string
	Settings      map[string][]string // one element for a scalar, several for a list, none where not set
	Range         hcl.Range           // of the block's header; of the first use where there is no block
}
