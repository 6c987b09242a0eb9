package engine

import (
	"testing"

	"github.com/flowrun/flowrun/runtime"
)

const onCreated = "trigger \"acme_order_created\" {}\n"

// put is an action whose name is an expression.
func put(label, name string) string {
	return "action \"acme_put\" \"" + label + "\" {\n name = " + name + "\n}\n"
}

func TestSwitch(t *testing.T) {
	size := onCreated + `
switch {
  on = trigger.amount
  case "1" "2" {
    ` + put("few", `"few"`) + `
  }
  case "3" {
    ` + put("three", `"three"`) + `
  }
  default {
    ` + put("many", `"many"`) + `
  }
}
` + put("after", `"${action.few == null} ${action.three == null} ${action.many == null}"`)
	for name, tc := range map[string]struct {
		src     string
		fields  []string
		calls   string
		status  runtime.RunStatus
		stopped string
	}{
		"the first label of a case":     {size, []string{"amount=1"}, "few false true true", runtime.RunCompleted, ""},
		"another label of it":           {size, []string{"amount=2"}, "few false true true", runtime.RunCompleted, ""},
		"another way to write a number": {size, []string{"amount=3.0"}, "three true false true", runtime.RunCompleted, ""},
		"the default":                   {size, []string{"amount=4"}, "many true true false", runtime.RunCompleted, ""},
		"null goes to the default": {onCreated + `
switch {
  on = trigger.customer
  case "c1" {
    ` + put("one", `"one"`) + `
  }
  default {
    ` + put("other", `"other"`) + `
  }
}
`, []string{"customer=null"}, "other", runtime.RunCompleted, ""},
		"no case is taken": {onCreated + `
switch {
  on = trigger.id
  case "x" {
    ` + put("x", `"x"`) + `
  }
}
`, nil, "", runtime.RunCompleted, ""},
		"true and false": {onCreated + `
switch {
  on = trigger.paid
  case "true" {
    ` + put("yes", `"yes"`) + `
  }
  case "false" {
    ` + put("no", `"no"`) + `
  }
}
`, nil, "no", runtime.RunCompleted, ""},
		"what nothing is known of, and is a number": {onCreated + `
switch {
  on = trigger.any
  case "7" {
    ` + put("seven", `"seven"`) + `
  }
  default {
    ` + put("other", `"other"`) + `
  }
}
`, []string{"any=7"}, "seven", runtime.RunCompleted, ""},
		"what nothing is known of, and is a list, is drift": {onCreated + `
switch {
  on = trigger.any
  default {
    ` + put("other", `"other"`) + `
  }
}
`, []string{"any=[1]"}, "", runtime.RunFailed, ""},
		"a switch in a case": {onCreated + `
switch {
  on = trigger.status
  case "open" {
    switch {
      on = trigger.amount
      case "5" {
        ` + put("five", `"five"`) + `
      }
      default {
        ` + put("other", `"other"`) + `
      }
    }
  }
  case "paid" {
    switch {
      on = trigger.amount
      case "5" {
        ` + put("paidfive", `"paid five"`) + `
      }
    }
    ` + put("paid", `"paid"`) + `
  }
}
` + put("after", `"${action.five == null} ${action.paidfive == null} ${action.paid == null}"`),
			[]string{"amount=5"}, "five false true true", runtime.RunCompleted, ""},
		"a filter in a case holds back that case only": {onCreated + `
switch {
  on = trigger.status
  case "open" {
    ` + put("above", `"above"`) + `
    filter "in the case" {
      condition = action.above.email == "nobody"
    }
    ` + put("below", `"below"`) + `
    switch {
      on = trigger.amount
      default {
        ` + put("deep", `"deep"`) + `
      }
    }
  }
  default {
    ` + put("else", `"else"`) + `
  }
}
` + put("after", `"${action.above == null} ${action.below == null} ${action.deep == null}"`),
			nil, "above false true true", runtime.RunCompleted, "in the case"},
		"a filter in a case, and no step ran": {onCreated + `
switch {
  on = trigger.status
  case "open" {
    filter "in the case" {
      condition = trigger.amount > 1000
    }
    ` + put("below", `"below"`) + `
  }
  default {
    ` + put("else", `"else"`) + `
  }
}
`, nil, "", runtime.RunFiltered, "in the case"},
		"what needs what is held back, in its case": {onCreated + `
switch {
  on = trigger.status
  case "open" {
    ` + put("first", `"first ${action.below.email == null ? "" : "x"}"`) + `
    filter {
      condition = trigger.amount > 1000
    }
    ` + put("below", `"below"`) + `
  }
  default {
    ` + put("else", `"else"`) + `
  }
}
` + put("after", `"${action.first == null}"`), nil, "true", runtime.RunCompleted, "filter.1"},
		"the lower of two gates names the run": {onCreated + `
switch {
  on = trigger.status
  case "open" {
    filter "in the case" {
      condition = trigger.amount > 1000
    }
    ` + put("below", `"below"`) + `
  }
  default {
    ` + put("else", `"else"`) + `
  }
}
` + put("top", `"top"`) + `
filter "of the run" {
  condition = action.top.email == "nobody"
}
` + put("never", `"never"`), nil, "top", runtime.RunCompleted, "of the run"},
		"a filter above holds back the switch": {onCreated + put("who", `"who"`) + `
filter "nobody" {
  condition = action.who.email == "nobody"
}
switch {
  on = trigger.status
  default {
    ` + put("in", `"in"`) + `
  }
}
`, nil, "who", runtime.RunCompleted, "nobody"},
		"it decides by what a step answered": {onCreated + put("who", `"who"`) + `
switch {
  on = action.who.email
  case "who" {
    ` + put("in", `"in"`) + `
  }
  default {
    ` + put("out", `"out"`) + `
  }
}
`, nil, "who in", runtime.RunCompleted, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"r.hcl": tc.src})
			w.vendor.answer = byName
			run := w.play(w.order("order.created", tc.fields...))
			if run.Status != tc.status || run.StoppedBy != tc.stopped || w.vendor.called(false) != tc.calls {
				t.Errorf("%v stopped by %q (%v), calls %q", run.Status, run.StoppedBy, run.Error, w.vendor.called(false))
			}
		})
	}
}

func TestASwitchIsDecidedTheSameWhenTheRunIsResumed(t *testing.T) {
	w := newWorld(t, map[string]string{"r.hcl": onCreated + put("who", `"who"`) + `
switch {
  on = action.who.email
  case "who" {
    ` + put("flaky", `"flaky"`) + `
  }
  default {
    ` + put("out", `"out"`) + `
  }
}
` + put("after", `"${action.flaky == null} ${action.out == null}"`)})
	w.vendor.answer = byName
	run := w.play(w.order("order.created"))
	if got := w.vendor.called(false); run.Status != runtime.RunCompleted || got != "who flaky flaky false true" {
		t.Errorf("%v (%v), calls %q", run.Status, run.Error, got)
	}
}
