package stripemock

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
)

// invoke makes a call as the engine would.
func invoke(t *testing.T, a *connectors.Action, args arguments, base string, client *http.Client) (connectors.Result, error) {
	t.Helper()
	input, err := a.In.Convert(cty.ObjectVal(args))
	if err != nil {
		t.Fatalf("%s: %v", a.Name, err)
	}
	return a.Call.Call(t.Context(), &connectors.Call{
		Action: a,
		Conn: &connectors.Conn{Name: "stripe", Service: "stripe", Client: client,
			Settings: map[string][]string{"api_key": {"sk_test_123"}, "base_url": {base}}},
		Input: input, Key: strings.Repeat("0", 64), EventTime: time.Unix(1710417600, 0),
	})
}

// TestEveryOperation makes every call that the shapes allow against Stripe's own validator.
func TestEveryOperation(t *testing.T) {
	base := mock(t)
	client := &http.Client{Transport: connectors.NewTransport()}
	t.Cleanup(client.CloseIdleConnections)
	accepted, calls := 0, 0
	for _, a := range operations(t) {
		good := true
		for _, args := range valid(a) {
			calls++
			_, err := invoke(t, a, args, base, client)
			if err == nil || overcautious(args, err) {
				continue
			}
			good = false
			t.Errorf("%s %s: %v", a.Name, describe(args), err)
		}
		if good {
			accepted++
		}
	}
	t.Logf("%d operations, %d accepted, in %d calls", len(operations(t)), accepted, calls)
}

// overcautious reports whether stripe-mock took the call and could not make an answer.
func overcautious(args arguments, err error) bool {
	var e *connectors.Error
	if !errors.As(err, &e) {
		return false
	}
	if e.Kind == connectors.KindDrift && strings.Contains(e.Message, "no PDF") {
		return true // it has a text for every document
	}
	if _, expands := args["expand"]; !expands {
		return false
	}
	// It knows some objects by their id only, and some that Stripe includes on demand not at all.
	return e.Kind == connectors.KindDrift && strings.Contains(e.Message, "is a string, not an object") || e.Status == 500
}

func describe(args arguments) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(args)) {
		text, err := schema.AppendJSON(nil, args[name])
		if err != nil {
			text = []byte(err.Error())
		}
		fmt.Fprintf(&b, "%s=%.300s ", name, text)
	}
	return b.String()
}

// recipe writes calls of an action as a recipe, and returns the line on which each begins.
func recipe(a *connectors.Action, calls []arguments) (text []byte, lines []int) {
	f := hclwrite.NewEmptyFile()
	f.Body().AppendNewBlock("trigger", []string{"stripe_charge_failed"})
	for i, args := range calls {
		block := f.Body().AppendNewBlock("action", []string{a.Name, fmt.Sprintf("call_%d", i)})
		for _, name := range slices.Sorted(maps.Keys(args)) {
			block.Body().SetAttributeValue(name, args[name])
		}
	}
	text = f.Bytes()
	for n, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "action ") {
			lines = append(lines, n+1)
		}
	}
	return text, lines
}

// checkable leaves out the calls that expand what only Stripe knows of.
func checkable(calls []arguments) []arguments {
	return slices.DeleteFunc(calls, func(args arguments) bool {
		v, ok := args["expand"]
		return ok && v.Index(cty.Zero).AsString() == unknownField
	})
}

// TestCheckerTakesWhatStripeTakes checks the same calls as a recipe would write them.
func TestCheckerTakesWhatStripeTakes(t *testing.T) {
	r := registry(t)
	for _, a := range operations(t) {
		for calls := range slices.Chunk(checkable(valid(a)), 30) {
			text, _ := recipe(a, calls)
			_, diags := lang.CompileFiles(map[string][]byte{"r.hcl": text}, r)
			for _, d := range diags.Errs() {
				t.Errorf("%s: %v", a.Name, d)
			}
		}
	}
}

// TestCheckerRefusesTheRest writes calls that break one rule each: every one must be an error before anything is sent.
func TestCheckerRefusesTheRest(t *testing.T) {
	r := registry(t)
	refused := 0
	for _, a := range operations(t) {
		for calls := range slices.Chunk(invalid(a), 30) {
			args := make([]arguments, len(calls))
			for i := range calls {
				args[i] = calls[i].args
			}
			text, lines := recipe(a, args)
			_, diags := lang.CompileFiles(map[string][]byte{"r.hcl": text}, r)
			found := make([]bool, len(calls))
			for _, d := range diags {
				if _, ok := diag.MetaOf(d); !ok || d.Subject == nil {
					continue
				}
				if i, exact := slices.BinarySearch(lines, d.Subject.Start.Line); exact {
					found[i] = true
				} else if i > 0 {
					found[i-1] = true
				}
			}
			for i, ok := range found {
				if ok {
					refused++
					continue
				}
				t.Errorf("%s: %s is not refused: %s", a.Name, calls[i].why, describe(calls[i].args))
			}
		}
	}
	t.Logf("%d invalid calls refused", refused)
}
