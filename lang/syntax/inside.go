package syntax

// What may stand where, for editors: the words that the parser knows, by the block that holds them.

// Words are what may be written in a block, or at the top of a file.
type Words struct {
	Args   []string
	Blocks []string

	// Typed says that the block takes further arguments, which its first label decides.
	Typed bool
}

// Inside returns what may be written in the block that the types of blocks lead to, from the outermost on: none for the
// top of the file, "wait" and "event" for the event of a wait. In a file of tests a block that is told by its first label
// is called with it: "expect action".
func Inside(filename string, blocks ...string) Words {
	if IsTest(filename) {
		return insideTests(blocks)
	}
	if len(blocks) == 0 {
		if filename == ConfigFile {
			return Words{Blocks: configBlocks()}
		}
		return Words{Blocks: recipeBlocks()}
	}
	switch blocks[len(blocks)-1] {
	case "recipe":
		return Words{Args: recipeArgs(), Blocks: controlBlocks()}
	case "concurrency", "debounce", "deduplicate", limitsBlock, "rate_limit", "throttle":
		all, _ := controlArgs(blocks[len(blocks)-1])
		return Words{Args: all}
	case "trigger":
		return Words{Args: triggerArgs(), Typed: true}
	case "action":
		return Words{Args: actionArgs(), Blocks: []string{"retry"}, Typed: true}
	case "filter":
		return Words{Args: []string{"condition"}}
	case "wait":
		return Words{Args: without(waitArgs(), "event"), Blocks: []string{"event"}}
	case "event":
		return Words{Args: eventArgs(), Typed: true}
	case "switch":
		return Words{Args: []string{"on"}, Blocks: switchBlocks()}
	case "case", "default", "on_alert", "on_error":
		return Words{Blocks: stepBlocks()}
	case "retry":
		return Words{Args: retryArgs()}
	case "variable":
		return Words{Args: variableArgs(), Blocks: []string{"validation"}}
	case "validation":
		return Words{Args: validationArgs()}
	case "connection":
		return Words{Typed: true}
	}
	return Words{}
}

func without(words []string, word string) []string {
	var out []string
	for _, w := range words {
		if w != word {
			out = append(out, w)
		}
	}
	return out
}

// Labels are what the labels of a block are, in order.
type Labels struct {
	Least, Most int
	Type        string // what the first label is a type of, "trigger", "action" or "service"; empty where it is none
	Name        bool   // the last label is a name that expressions use
}

// LabelsOf returns what labels a block takes.
func LabelsOf(block string) Labels {
	switch block {
	case "trigger":
		return Labels{Least: 1, Most: 2, Type: "trigger"}
	case "action":
		return Labels{Least: 1, Most: 2, Type: "action", Name: true}
	case "connection":
		return Labels{Least: 1, Most: 2, Type: "service", Name: true}
	case "event":
		return Labels{Least: 1, Most: 1, Type: "trigger"}
	case "wait", "variable":
		return Labels{Least: 1, Most: 1, Name: true}
	case "filter", "switch":
		return Labels{Most: 1}
	case "case":
		return Labels{Least: 1, Most: 1 << 16}
	case "test", "each", "advance":
		return Labels{Least: 1, Most: 1}
	case "mock":
		return Labels{Least: 2, Most: 2}
	case "expect":
		return Labels{Most: 2}
	}
	return Labels{}
}

// Doc says in a sentence what a block or an argument of the language is for. It is empty for a word that no table has.
// The block is the one that holds the argument; it is empty for a block.
func Doc(block, word string) string {
	if text := docs()[block+"."+word]; text != "" {
		return text
	}
	return docs()["."+word]
}

func docs() map[string]string {
	return map[string]string{
		".recipe":     "Settings of the recipe: description, enabled, timeout, labels.",
		".trigger":    "What starts the recipe. Several triggers mean any of them.",
		".filter":     "A gate: it holds back everything below it in its block unless the condition is true.",
		".action":     "A step: a call to a service. Its answer is action.NAME.",
		".wait":       "Holds back what is below it for a time, until a moment, or until an event comes.",
		".switch":     "Does what stands in the case that has the value of \"on\".",
		".case":       "The steps for the values that are its labels.",
		".default":    "The steps for all values that no case has.",
		".on_error":   "The steps that run when a run has failed for good; error is in reach.",
		".locals":     "Names for expressions; read as local.NAME.",
		".variable":   "A value that is given from outside; read as var.NAME.",
		".validation": "A condition that the value of the variable must meet.",
		".connection": "An account at a service, with its settings.",
		".retry":      "How often and how long a call that failed is tried again.",
		".event":      "The event that is waited for.",
		".output":     "What a recipe answers to the one that calls it.",
		".on_alert":   "The steps for what is nobody's failed run: forged webhooks, refused reloads; alert is in reach.",

		".concurrency":              "How many runs there are at a time, for each key.",
		".debounce":                 "Keeps the last of a burst of events, for each key.",
		".deduplicate":              "Takes one event for each key in a time.",
		".limits":                   "The most that the recipe may do of what can't be undone; beyond it the recipe pauses.",
		".rate_limit":               "Takes so many events in a period and drops the rest.",
		".throttle":                 "Starts so many runs in a period; the rest wait.",
		".key":                      "What events and runs are told apart by, such as trigger.customer.",
		".limit":                    "How many there may be.",
		".period":                   "The time that is counted in, such as \"1m\".",
		".burst":                    "How many may start at once.",
		"limits.max_amount":         "How much money may be moved within an hour, in the smallest unit, each currency by itself.",
		"limits.max_per_hour":       "How many calls that can't be undone may be made within an hour.",
		"debounce.timeout":          "The longest time to wait for the end of a burst.",
		"deduplicate.for":           "How long a key is remembered.",
		"concurrency.on_conflict":   "\"queue\", \"skip\" or \"cancel_running\".",
		"concurrency.while_waiting": "Whether a run that waits keeps its place.",
		"recipe.mode":               "\"shadow\" records calls that change anything, and doesn't make them.",
		"recipe.priority":           "Of runs that could start, those with the higher number start first.",

		"recipe.description":       "What the recipe is for, in a sentence.",
		"recipe.enabled":           "Whether events start the recipe; true where left out.",
		"recipe.timeout":           "How long a run may take, such as \"1h\"; waits don't count.",
		"recipe.labels":            "Words that runs and metrics can be found by.",
		"filter.condition":         "Must be true for what stands below to run.",
		"wait.for":                 "How long to wait: a duration such as \"72h\".",
		"wait.until":               "The moment to wait for, as text (RFC 3339).",
		"wait.timeout":             "How long to wait for the event at most.",
		"event.match":              "Whether `incoming` is the event that is meant.",
		"switch.on":                "The value that decides.",
		"action.when":              "The step is skipped where it is false.",
		"action.for_each":          "A list or a map: the step is done for each element, each.key and each.value.",
		"action.max_parallel":      "How many elements of for_each are worked on at a time.",
		"action.depends_on":        "Steps that must have ended before: [action.NAME].",
		"action.timeout":           "How long one attempt may take.",
		"action.on_error":          "\"continue\" lets the run go on where the step fails.",
		"action.allow_duplicates":  "Repeats the call even where the service can't recognise a repeat.",
		"retry.attempts":           "How many attempts there are at most, the first included.",
		"retry.min":                "The shortest pause between attempts.",
		"retry.max":                "The longest pause between attempts.",
		"retry.on":                 "The kinds of failure that are tried again.",
		"variable.type":            "string, number, bool, list(string) and so on.",
		"variable.default":         "The value where none is given.",
		"variable.sensitive":       "Whether the value must not be shown.",
		"variable.description":     "What the variable is for.",
		"validation.condition":     "What the value must meet.",
		"validation.error_message": "What is said where it does not.",
		"trigger.connection":       "The account that the events come from: connection.NAME.",
		"trigger.latest":           "Fetches the object when the run starts, so that trigger is as it is now, and not as it was when the event was made.",
		"event.connection":         "The account that the event comes from: connection.NAME.",
		"action.connection":        "The account that is called: connection.NAME.",
	}
}
