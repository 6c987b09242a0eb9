package syntax

import "strings"

// IsTest reports whether a file is one of tests, by its name.
func IsTest(filename string) bool { return strings.HasSuffix(filename, TestEnding) }

// insideTests is Inside for files of tests. The block of an expectation is called "expect action", with its first label,
// where it has one.
func insideTests(blocks []string) Words {
	if len(blocks) == 0 {
		return Words{Args: []string{"recipe"}, Blocks: []string{"test"}}
	}
	switch last := blocks[len(blocks)-1]; last {
	case "test":
		return Words{Args: testArgs(), Blocks: testBlocks()}
	case "event":
		return Words{Blocks: []string{"envelope", "previous"}, Typed: true}
	case "previous":
		return Words{Typed: true}
	case "envelope":
		return Words{Args: []string{"account", "id", "livemode", "type"}}
	case "mock":
		return Words{Args: answerArgs(), Blocks: []string{"each", "error"}}
	case "each":
		return Words{Args: answerArgs(), Blocks: []string{"error"}}
	case "error":
		if len(blocks) > 1 && strings.HasPrefix(blocks[len(blocks)-2], "expect") {
			return Words{Args: []string{"kind", "message", "status", "step"}}
		}
		return Words{Args: []string{"kind", "message", "retry_after", "status"}}
	case "expect":
		return Words{Args: expectArgs(ExpectRun), Blocks: []string{"error"}}
	case "expect action":
		return Words{Args: expectArgs(ExpectAction), Blocks: []string{"error"}}
	case "expect wait":
		return Words{Args: expectArgs(ExpectWait)}
	case "expect state":
		return Words{Args: expectArgs(ExpectState)}
	}
	return Words{}
}

func answerArgs() []string { return []string{"result", "sequence"} }

// testDocs are the sentences about what stands in files of tests, by the block it stands in.
func testDocs() map[string]string {
	return map[string]string{
		".test":          "What a recipe does with an event, or several, and what is expected of it.",
		".recipe":        "The recipe that is tested, by its path; where left out the one of the file's name.",
		"test.event":     "Something that happens: a valid sample of the trigger's event, with these attributes changed.",
		"test.advance":   "Lets time pass: a duration such as \"72h\".",
		"test.mock":      "What a step answers; without one it answers its declared example.",
		"test.expect":    "What must be so in the end: of the run, of a step, of a wait, or of what is kept.",
		"test.recipe":    "The recipe that is tested, by its path, such as \"billing/dunning\".",
		"test.start":     "When the test begins (RFC 3339); 2026-01-01T00:00:00Z where left out.",
		"test.state":     "What recipes have kept before, by name.",
		"test.variables": "Values of variables, by name.",

		"event.envelope":    "What is changed of the event's envelope.",
		"event.previous":    "The old values of what an update changed.",
		"envelope.account":  "The connected account that the event is about.",
		"envelope.id":       "The event's id; the same id again is the same event delivered again.",
		"envelope.livemode": "Whether the event is of live mode.",
		"envelope.type":     "The vendor's type of event, where the trigger stands for several.",

		"mock.result":       "What of the declared example is answered otherwise; null for nothing found.",
		"mock.sequence":     "Answers, one for each call: [{ error = { … } }, { result = { … } }]. The last serves all that follow.",
		"mock.each":         "What one element of a for_each answers: its key, or of a list its number from 0.",
		"mock.error":        "How the call fails.",
		"each.result":       "What of the declared example is answered otherwise.",
		"each.sequence":     "Answers, one for each call.",
		"each.error":        "How the call fails.",
		"error.kind":        "The kind of failure.",
		"error.message":     "What the service says.",
		"error.status":      "The HTTP status.",
		"error.step":        "The step that failed.",
		"error.retry_after": "How long the service asks to wait.",

		"expect.by":             "What stopped it: a filter's label or address, a trigger's setting, or a kind of flow control.",
		"expect.event":          "Which event's run it is about, from 1.",
		"expect.order":          "Steps whose first calls come in this order.",
		"expect.outcome":        "How the run ended.",
		"expect.error":          "How it failed.",
		"expect action.calls":   "How many calls there are, repeats of one left aside.",
		"expect action.each":    "The element of for_each that is meant.",
		"expect action.event":   "Which event's run it is about, from 1; all where left out.",
		"expect action.input":   "What each call is made with; what is not named may be anything.",
		"expect action.inputs":  "What the calls are made with, one by one.",
		"expect action.retries": "How often calls are repeated.",
		"expect action.error":   "How it failed.",
		"expect wait.event":     "Which event's run it is about, from 1.",
		"expect wait.timed_out": "Whether it ended without the event.",
		"expect wait.until":     "When it ends: a time, or how long after its beginning, such as \"72h\".",
		"expect state.value":    "What is kept; null for nothing.",
	}
}

// TestDoc is Doc for files of tests.
func TestDoc(block, word string) string {
	if text := testDocs()[block+"."+word]; text != "" {
		return text
	}
	return testDocs()["."+word]
}
