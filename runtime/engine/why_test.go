package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/check"
)

const whyRecipe = `
trigger "acme_order_created" {}
filter "large ones" {
  condition = trigger.amount >= 50 && trigger.customer != null
}
action "acme_read" "person" { name = trigger.id }
filter "reachable" {
  condition = action.person.email != null
}
switch "by status" {
  on = trigger.status
  case "open" {
    action "acme_put" "opened" {
      name = trigger.id
      when = trigger.paid
    }
  }
  case "paid" {
    action "acme_put" "paid" { name = trigger.id }
  }
}
`

// told writes an answer as the tests compare it.
func told(w *Why) string {
	var b strings.Builder
	for _, v := range w.Verdicts {
		status := "no run"
		if v.Run != nil {
			status = v.Run.Status.String()
		}
		fmt.Fprintf(&b, "%s: %s", v.Recipe.Name, status)
		for _, a := range v.Gates {
			what := a.Node.Address
			if a.When {
				what += " when"
			}
			if a.Node.Kind == check.Switch {
				what += fmt.Sprintf(" case %d", a.Case)
			}
			fmt.Fprintf(&b, "; %s %v of %d parts", what, a.Passed, len(a.Parts))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestWhy(t *testing.T) {
	files := map[string]string{
		"a.hcl": whyRecipe,
		"b.hcl": `
trigger "acme_order_paid" {}
action "acme_put" { name = trigger.id }
`,
		"c.hcl": `
recipe {
  enabled = false
}
trigger "acme_order_created" {}
action "acme_put" { name = trigger.id }
`}
	for _, tt := range []struct {
		name   string
		fields []string
		email  cty.Value
		want   string
	}{
		{"small", []string{"amount=10"}, cty.StringVal("jo@example.com"), "a: no run; filter.1 false of 5 parts\nc: no run\n"},
		{"unreachable", nil, cty.NullVal(cty.String), "a: completed; filter.1 true of 5 parts; filter.2 false of 2 parts\nc: no run\n"},
		{"when", nil, cty.StringVal("jo@example.com"),
			"a: completed; filter.1 true of 5 parts; filter.2 true of 2 parts; switch.1 case 0 true of 1 parts; action.opened when false of 1 parts\nc: no run\n"},
		{"other case", []string{`status="paid"`}, cty.StringVal("jo@example.com"),
			"a: completed; filter.1 true of 5 parts; filter.2 true of 2 parts; switch.1 case 1 true of 1 parts\nc: no run\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, files)
			w.vendor.answer = func(_ context.Context, action string, _ map[string]cty.Value, _ int) (cty.Value, error) {
				return cty.ObjectVal(map[string]cty.Value{"email": tt.email}), nil
			}
			ev := w.send(w.order("order.created", tt.fields...))
			w.nextDecision()
			// A program that came later does not change what decided.
			w.swap(map[string]string{"a.hcl": strings.Replace(whyRecipe, ">= 50", ">= 5", 1)})
			before := len(w.vendor.log())
			why, err := w.engine.WhyEvent(t.Context(), ev)
			if err != nil {
				t.Fatal(err)
			}
			if got := told(why); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
			if why.Others != 1 || !why.Decided {
				t.Errorf("%d others, decided %v", why.Others, why.Decided)
			}
			if len(w.vendor.log()) != before {
				t.Error("asking has called the vendor")
			}
		})
	}
}

func TestWhyWithoutPayload(t *testing.T) {
	w := newWorld(t, map[string]string{"a.hcl": whyRecipe})
	ev := w.send(w.order("order.created"))
	w.nextDecision()
	ev.Payload = nil
	if _, err := w.engine.WhyEvent(t.Context(), ev); !errors.Is(err, ErrPayloadGone) {
		t.Errorf("error %v", err)
	}
}
