package syntax

// The words of the language, by where they may stand. They are functions so that nobody can change them.

func recipeBlocks() []string {
	return []string{"action", "filter", "locals", "on_error", "recipe", "switch", "trigger", "variable", "wait"}
}

func configBlocks() []string { return []string{"connection", "locals", "on_error", "variable"} }

// stepBlocks may stand in a recipe, in the cases of a switch and in on_error.
func stepBlocks() []string { return []string{"action", "filter", "switch", "wait"} }

func triggerArgs() []string { return []string{"connection"} }

// actionArgs are the arguments that every action takes, beside its inputs.
func actionArgs() []string {
	return []string{"allow_duplicates", "connection", "depends_on", "for_each", "max_parallel", "on_error", "timeout", "when"}
}

func eventArgs() []string { return []string{"connection", "match"} }

func waitArgs() []string { return []string{"event", "for", "timeout", "until"} }

func switchBlocks() []string { return []string{"case", "default"} }

// laterBlocks are the blocks that the language has and that this version can't run yet.
func laterBlocks() []string { return []string{"on_alert", "sync"} }

func recipeArgs() []string { return []string{"description", "enabled", "labels", "timeout"} }

// laterRecipeWords may stand in a recipe block, as a block or an argument.
func laterRecipeWords() []string {
	return []string{"concurrency", "debounce", "deduplicate", "mode", "rate_limit", "throttle"}
}

func retryArgs() []string      { return []string{"attempts", "max", "min", "on"} }
func variableArgs() []string   { return []string{"default", "description", "sensitive", "type"} }
func validationArgs() []string { return []string{"condition", "error_message"} }

// synonym returns the block that people mean who write a word of another tool, or "".
func synonym(word string) string {
	switch word {
	case "step", "task", "job", "do", "call", "send", "run", "resource", "data", "sink", "output":
		return "action"
	case "if", "when", "condition", "where", "only", "gate", "unless":
		return "filter"
	case "on", "event", "webhook", "source", "listen", "input", "start":
		return "trigger"
	case "vars", "local", "let", "set", "const":
		return "locals"
	case "var", "param", "parameter":
		return "variable"
	case "service", "provider", "credential", "credentials", "account", "connector":
		return "connection"
	case "sleep", "delay", "pause", "wait_for", "wait_until":
		return "wait"
	case "match", "choose", "choice", "branch", "router":
		return "switch"
	case "catch", "rescue", "on_failure", "error", "failure", "finally":
		return "on_error"
	case "workflow", "flow", "pipeline", "settings", "automation", "config":
		return "recipe"
	}
	return ""
}
