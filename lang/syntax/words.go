package syntax

// The words of the language, by where they may stand. They are functions so that nobody can change them.

func recipeBlocks() []string {
	return []string{"action", "filter", "locals", "on_error", "output", "recipe", "switch", "trigger", "variable", "wait"}
}

func configBlocks() []string {
	return []string{"connection", "locals", "on_alert", "on_error", "variable"}
}

// stepBlocks may stand in a recipe, in the cases of a switch and in on_error.
func stepBlocks() []string { return []string{"action", "filter", "switch", "wait"} }

func triggerArgs() []string { return []string{"connection", "latest"} }

// actionArgs are the arguments that every action takes, beside its inputs.
func actionArgs() []string {
	return []string{"allow_duplicates", "connection", "depends_on", "for_each", "max_parallel", "on_error", "timeout", "when"}
}

func eventArgs() []string { return []string{"connection", "match"} }

func waitArgs() []string { return []string{"event", "for", "timeout", "until"} }

func switchBlocks() []string { return []string{"case", "default"} }

// reservedBlocks are words for which there will be blocks.
func reservedBlocks() []string { return []string{"sync"} }

func recipeArgs() []string {
	return []string{"description", "enabled", "labels", "mode", "priority", "timeout"}
}

// controlBlocks stand in a recipe block: flow control, and limits.
func controlBlocks() []string {
	return []string{"concurrency", "debounce", "deduplicate", limitsBlock, "rate_limit", "throttle"}
}

const limitsBlock = "limits"

// controlArgs are the arguments of a block within a recipe block, and those of them that it needs.
func controlArgs(word string) (all, needed []string) {
	switch word {
	case "concurrency":
		return []string{"key", "limit", "on_conflict", "while_waiting"}, []string{"limit"}
	case "debounce":
		return []string{"key", "period", "timeout"}, []string{"period"}
	case "deduplicate":
		return []string{"for", "key"}, []string{"key", "for"}
	case limitsBlock:
		return []string{"max_amount", "max_per_hour"}, nil
	case "rate_limit":
		return []string{"key", "limit", "period"}, []string{"limit", "period"}
	}
	return []string{"burst", "key", "limit", "period"}, []string{"limit", "period"}
}

func retryArgs() []string      { return []string{"attempts", "max", "min", "on"} }
func variableArgs() []string   { return []string{"default", "description", "sensitive", "type"} }
func validationArgs() []string { return []string{"condition", "error_message"} }

// synonym returns the block that people mean who write a word of another tool, or "".
func synonym(word string) string {
	switch word {
	case "step", "task", "job", "do", "call", "send", "run", "resource", "data", "sink":
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
	case "outputs", "return", "returns":
		return "output"
	case "workflow", "flow", "pipeline", "settings", "automation", "config":
		return "recipe"
	}
	return ""
}

func testArgs() []string {
	return []string{"advance", "event", "recipe", "start", "state", "variables"}
}

func testBlocks() []string { return []string{"advance", "event", "expect", "mock"} }

// expectArgs are the arguments of an expectation.
func expectArgs(kind ExpectKind) []string {
	switch kind {
	case ExpectRun:
		return []string{"by", "event", "order", "outcome"}
	case ExpectAction:
		return []string{"calls", "each", "event", "input", "inputs", "retries"}
	case ExpectWait:
		return []string{"event", "timed_out", "until"}
	}
	return []string{"value"}
}
