package edit_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/edit"
	"github.com/flowrun/flowrun/lang/langtest"
	"github.com/flowrun/flowrun/lang/syntax"
)

func never() bool { return false }

const start = "trigger \"stripe_charge_failed\" {}\n\n"

func TestHover(t *testing.T) {
	cases := []struct {
		name, src string
		want      []string // nil for nothing
		not       string
	}{
		{"may be null", start + "filter {\n  condition = trigger.custo|mer != null\n}\n",
			[]string{"trigger.customer: string or null", "May be null on stripe_charge_failed.", `An identifier of a customer that begins with "cus_".`}, ""},
		{"proved", start + "filter {\n  condition = trigger.customer != null\n}\n\naction \"customerio_track\" {\n  id = trigger.cust|omer\n  name = \"x\"\n}\n",
			[]string{"trigger.customer: string\n", "what stands around it proves that"}, "or null"},
		{"proved on the left", start + "filter {\n  condition = trigger.customer != null && trigger.|customer != \"x\"\n}\n",
			[]string{"trigger.customer: string\n"}, "or null"},
		{"enum", start + "filter {\n  condition = trigger.status| == \"failed\"\n}\n",
			[]string{"trigger.status: string", "One of `\"succeeded\"`, `\"pending\"`, `\"failed\"`."}, ""},
		{"moment", start + "filter {\n  condition = trigger.cr|eated > 5\n}\n", []string{"trigger.created: number", "Seconds since 1970 in UTC."}, ""},
		{"root", start + "filter {\n  condition = trigg|er.created > 5\n}\n", []string{"trigger: object (charge)"}, ""},
		{"step", start + "action \"stripe_customer_retrieve\" \"c\" {\n  customer = \"cus_1\"\n}\n\naction \"customerio_track\" {\n  id = action.|c.id\n  name = \"x\"\n}\n",
			[]string{"action.c: object (customer)"}, ""},
		{"list element", start + "filter {\n  condition = trigger.refunds.data[0].rea|son == null\n}\n", []string{"trigger.refunds.data[0].reason: string or null"}, ""},
		{"trigger type", "trigger \"stripe_charge|_failed\" {}\n", []string{"A charge failed.", "Events: `charge.failed`."}, ""},
		{"action type", start + "action \"customerio_|track\" {\n}\n", []string{"Required: `name`.", "Exactly one of: `id`, `email`, `cio_id`."}, ""},
		{"argument", start + "action \"customerio_track\" {\n  na|me = \"x\"\n}\n", []string{"name: string, required"}, ""},
		{"word", start + "action \"customerio_track\" {\n  wh|en = true\n}\n", []string{"The step is skipped where it is false."}, ""},
		{"block", start + "fil|ter {\n}\n", []string{"A gate"}, ""},
		{"function", start + "filter {\n  condition = low|er(\"A\") == \"a\"\n}\n", []string{"lower(str string)", "Makes letters lower case."}, ""},
		{"local", start + "locals {\n  big = trigger.amount > 5\n}\n\nfilter {\n  condition = local.b|ig\n}\n", []string{"local.big: bool"}, ""},
		{"in a broken file", start + "filter {\n  condition = trigger.amo|unt >\n}\n", []string{"trigger.amount: number"}, ""},
		{"several triggers", "trigger \"stripe_customer_created\" {}\n\ntrigger \"stripe_charge_failed\" {}\n\nfilter {\n  condition = trigger.ema|il != null\n}\n",
			[]string{"string or null on stripe_customer_created; unknown on stripe_charge_failed"}, ""},
		{"unknown", start + "filter {\n  condition = trigger.no|thing\n}\n", nil, ""},
		{"text", start + "filter {\n  condition = trigger.currency == \"u|sd\"\n}\n", nil, ""},
		{"comment", start + "# fil|ter\n", nil, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w, name, at := marked(t, map[string][]byte{"a.hcl": []byte(c.src)})
			h := w.Hover(name, at)
			if h == nil {
				if c.want != nil {
					t.Fatal("nothing is said")
				}
				return
			}
			if c.want == nil {
				t.Fatalf("it says %s", h.Text)
			}
			for _, want := range c.want {
				if !strings.Contains(h.Text, want) {
					t.Errorf("%q is missing in:\n%s", want, h.Text)
				}
			}
			if c.not != "" && strings.Contains(h.Text, c.not) {
				t.Errorf("it says %q:\n%s", c.not, h.Text)
			}
			if at < h.Start || at > h.End {
				t.Errorf("it is said of %d to %d; the cursor is at %d", h.Start, h.End, at)
			}
		})
	}
}

const shared = `connection "stripe" "eu" {
  api_key = var.key
}

variable "key" {
  type = string
}

locals {
  big = 5000
}
`

const first = `trigger "stripe_charge_failed" {
  connection = connection.eu
}

locals {
  large = trigger.amount > local.big
}

filter {
  condition = local.large && trigger.customer != null
}

action "stripe_customer_retrieve" "customer" {
  customer   = trigger.customer
  connection = "eu"
}

action "customerio_track" {
  id         = action.customer.id
  name       = "x ${action.customer.id}"
  depends_on = [action.customer]
}

on_error {
  action "customerio_track" "tell" {
    id   = action.customerio_track == null ? "a" : "b"
    name = error.kind
  }
}
`

const second = `trigger "stripe_charge_failed" {
  connection = connection.eu
}

locals {
  own = local.big
}

filter {
  condition = trigger.amount > local.own
}
`

func three(t *testing.T) *edit.Workspace {
	t.Helper()
	w := edit.NewWorkspace(langtest.Catalog())
	w.Set("flowrun.hcl", []byte(shared))
	w.Set("first.hcl", []byte(first))
	w.Set("second.hcl", []byte(second))
	return w
}

func place(w *edit.Workspace, r hcl.Range) string {
	text, _ := w.Text(r.Filename)
	return fmt.Sprintf("%s:%d %s", r.Filename, r.Start.Line, r.SliceBytes(text))
}

func TestReferences(t *testing.T) {
	w := three(t)
	cases := []struct {
		file, at   string // the cursor stands at the end of this text
		definition string
		references int // with the declaration
	}{
		{"first.hcl", "id         = action.cust", `first.hcl:13 customer`, 4},
		{"first.hcl", `"stripe_customer_retrieve" "cust`, `first.hcl:13 customer`, 4},
		{"first.hcl", "condition = local.lar", "first.hcl:6 large", 2},
		{"first.hcl", "> local.b", "flowrun.hcl:10 big", 3},
		{"flowrun.hcl", "  big", "flowrun.hcl:10 big", 3},
		{"flowrun.hcl", "var.k", "flowrun.hcl:5 key", 2},
		{"first.hcl", "connection.e", `flowrun.hcl:1 eu`, 4},
		{"first.hcl", `connection = "e`, `flowrun.hcl:1 eu`, 4},
		{"first.hcl", "action.customerio_", `first.hcl:18 customerio_track`, 2},
		{"first.hcl", "large = trig", `first.hcl:1 trigger "stripe_charge_failed"`, 0},
	}
	for _, c := range cases {
		text, _ := w.Text(c.file)
		at := strings.Index(string(text), c.at) + len(c.at)
		list := w.Definition(c.file, at)
		if len(list) != 1 || place(w, list[0]) != c.definition {
			t.Errorf("%s: definitions %v", c.at, list)
		}
		if n := len(w.References(c.file, at, true)); n != c.references {
			t.Errorf("%s: %d references", c.at, n)
		}
		if n := len(w.References(c.file, at, false)); c.references > 0 && n != c.references-1 {
			t.Errorf("%s: %d references without the declaration", c.at, n)
		}
	}
}

func apply(w *edit.Workspace, edits []edit.Edit) {
	slices.SortFunc(edits, func(a, b edit.Edit) int { return b.Start - a.Start })
	for _, e := range edits {
		text, _ := w.Text(e.File)
		w.Set(e.File, slices.Concat(text[:e.Start], []byte(e.Text), text[e.End:]))
	}
}

// TestRename gives everything that has a name another one: what is wrong with the project stays the same.
func TestRename(t *testing.T) {
	count := func(w *edit.Workspace) int {
		all, _ := w.Diagnostics(never)
		n := 0
		for _, list := range all {
			n += len(list)
		}
		return n
	}
	for _, c := range []struct{ file, at, want string }{
		{"first.hcl", "id         = action.cust", `"stripe_customer_retrieve" "renamed"`},
		{"first.hcl", "condition = local.lar", "  renamed = trigger"},
		{"flowrun.hcl", "  big", "trigger.amount > local.renamed"},
		{"flowrun.hcl", "var.k", ""},
		{"first.hcl", "connection.e", `connection = "renamed"`},
		{"first.hcl", "action.customerio_", `action "customerio_track" "renamed" {`},
	} {
		w := three(t)
		before := count(w)
		text, _ := w.Text(c.file)
		edits, err := w.Rename(c.file, strings.Index(string(text), c.at)+len(c.at), "renamed")
		if err != nil {
			t.Errorf("%s: %v", c.at, err)
			continue
		}
		apply(w, edits)
		if after := count(w); after != before {
			all, _ := w.Diagnostics(never)
			t.Errorf("%s: %d diagnostics before, %d after: %v", c.at, before, after, all)
		}
		if text, _ := w.Text("first.hcl"); !strings.Contains(string(text), c.want) {
			t.Errorf("%s: %q is not in\n%s", c.at, c.want, text)
		}
	}
}

func TestRenameRefuses(t *testing.T) {
	w := three(t)
	at := strings.Index(first, "local.lar") + 7
	for name, want := range map[string]string{
		"big":     "local.big is there already, at flowrun.hcl line 10",
		"not one": `"not one" can't be a name`,
		"":        "can't be a name",
	} {
		if _, err := w.Rename("first.hcl", at, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := w.Rename("first.hcl", 0, "x"); err == nil {
		t.Error("a word of the language is renamed")
	}
	w.Set("second.hcl", []byte(second+"filter {\n"))
	if _, err := w.Rename("flowrun.hcl", strings.Index(shared, "big")+1, "x"); err == nil || !strings.Contains(err.Error(), "second.hcl has syntax errors") {
		t.Errorf("a broken file is changed: %v", err)
	}
}

func TestFixes(t *testing.T) {
	for _, c := range []struct {
		name, src string
		fixes     []string // titles
		mends     bool     // each leaves no error
	}{
		{"a name", start + "action \"customerio_track\" {\n  id = trigger.idd\n  name = \"x\"\n}\n", []string{"Change to id"}, true},
		{"a value", start + "filter {\n  condition = trigger.status == \"fail\"\n}\n\naction \"customerio_track\" {\n  id = \"x\"\n  name = \"x\"\n}\n", []string{`Change to "failed"`}, true},
		{"null in an argument", start + "action \"customerio_track\" {\n  id = trigger.customer\n  name = \"x\"\n}\n",
			[]string{"Add a filter above: trigger.customer != null", `Give a value for null: coalesce(trigger.customer, "unknown")`}, true},
		{"null in a case", start + "switch {\n  on = trigger.status\n  case \"failed\" {\n    action \"customerio_track\" {\n      id = trigger.customer\n      name = \"x\"\n    }\n  }\n  default {}\n}\n",
			[]string{"Add a filter above: trigger.customer != null", `Give a value for null: coalesce(trigger.customer, "unknown")`}, true},
		{"null in a condition", start + "filter {\n  condition = startswith(trigger.customer, \"cus_\")\n}\n\naction \"customerio_track\" {\n  id = \"x\"\n  name = \"x\"\n}\n",
			[]string{"Test trigger.customer != null first", `Give a value for null: coalesce(trigger.customer, "unknown")`}, true},
		{"nothing", start + "action \"customerio_track\" {\n  id = \"x\"\n  name = \"x\"\n}\n", nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := edit.NewWorkspace(langtest.Catalog())
			w.Set("a.hcl", []byte(c.src))
			all, _ := w.Diagnostics(never)
			fixes := w.Fixes("a.hcl", all["a.hcl"])
			var titles []string
			for _, f := range fixes {
				titles = append(titles, f.Title)
				v := edit.NewWorkspace(langtest.Catalog())
				v.Set("a.hcl", []byte(c.src))
				apply(v, f.Edits)
				after, _ := v.Diagnostics(never)
				if after["a.hcl"].HasErrors() {
					text, _ := v.Text("a.hcl")
					t.Errorf("%s leaves %v in\n%s", f.Title, after["a.hcl"], text)
				}
			}
			if !slices.Equal(titles, c.fixes) {
				t.Errorf("%q are offered, not %q: %v", titles, c.fixes, all)
			}
		})
	}
}

// TestDiagnostics compares what a workspace finds, also after changes, with what the checker finds from scratch.
func TestDiagnostics(t *testing.T) {
	langtest.Each(t, os.DirFS("../check/testdata"), func(t *testing.T, files map[string][]byte) {
		w := edit.NewWorkspace(langtest.Catalog())
		var names []string
		for name := range files {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			w.Set(name, files[name])
			compare(t, w)
		}
		for _, name := range names { // one after the other is emptied, and comes back
			w.Set(name, []byte("# empty\n"))
			compare(t, w)
			w.Set(name, files[name])
			compare(t, w)
			w.Remove(name)
			compare(t, w)
			w.Set(name, files[name])
		}
		compare(t, w)
	})
}

func compare(t *testing.T, w *edit.Workspace) {
	t.Helper()
	files := map[string][]byte{}
	for _, name := range w.Files() {
		files[name], _ = w.Text(name)
	}
	project, want := syntax.Parse(files)
	_, more := check.Check(project, langtest.Catalog())
	want = append(want, more...)
	diag.Sort(want)
	all, done := w.Diagnostics(never)
	if !done {
		t.Fatal("the check was stopped")
	}
	var got hcl.Diagnostics
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range all {
			if !yield(name) {
				return
			}
		}
	}) {
		got = append(got, all[name]...)
	}
	diag.Sort(got)
	if a, b := text(got), text(want); a != b {
		t.Errorf("the workspace finds\n%s\nthe checker finds\n%s", a, b)
	}
}

func text(diags hcl.Diagnostics) string {
	var b strings.Builder
	for _, d := range diags {
		m, _ := diag.MetaOf(d)
		fmt.Fprintf(&b, "%s %s %s %s\n", d.Subject, m.Code, m.Context, d.Detail)
	}
	return b.String()
}

func TestDiagnosticsStop(t *testing.T) {
	w := three(t)
	asked := 0
	for range 10 {
		_, done := w.Diagnostics(func() bool { asked++; return asked%2 == 1 })
		if done {
			if asked < 3 {
				t.Errorf("it was asked %d times", asked)
			}
			return
		}
	}
	t.Error("a check that is stopped now and then never ends")
}

func TestOutline(t *testing.T) {
	w := three(t)
	var lines []string
	var visit func(string, []edit.Symbol)
	visit = func(indent string, list []edit.Symbol) {
		for _, s := range list {
			lines = append(lines, strings.TrimRight(indent+s.Name+" "+s.Detail, " "))
			visit(indent+"  ", s.Children)
		}
	}
	visit("", w.Symbols("first.hcl"))
	want := []string{"stripe_charge_failed trigger", "locals", "  large", "filter", "customer action stripe_customer_retrieve",
		"customerio_track action", "on_error", "  tell action customerio_track"}
	if !slices.Equal(lines, want) {
		t.Errorf("%q", lines)
	}
}

func TestTokens(t *testing.T) {
	w := edit.NewWorkspace(langtest.Catalog())
	src := "# all\ntrigger \"stripe_charge_failed\" {}\naction \"customerio_track\" \"n\" {\n  id = lower(trigger.id) == \"a ${local.b} c\" ? true : 5\n  data = { k = v }\n}\n"
	w.Set("a.hcl", []byte(src))
	names := []string{"", "keyword", "property", "type", "variable", "function", "string", "number", "comment"}
	var got []string
	last := 0
	for _, tok := range w.Tokens("a.hcl") {
		if tok.Start < last || tok.End <= tok.Start || tok.End > len(src) {
			t.Fatalf("%+v after %d", tok, last)
		}
		last = tok.End
		got = append(got, names[tok.Kind]+" "+src[tok.Start:tok.End])
	}
	want := []string{"comment # all", "keyword trigger", `type "stripe_charge_failed"`, "keyword action", `type "customerio_track"`, `variable "n"`,
		"property id", "function lower", "variable trigger", "property id", `string "a `, "variable local", "property b", `string  c"`, "keyword true",
		"number 5", "property data", "property k", "variable v"}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("at %d\n%q\n%q", i, got[min(i, len(got)):], want[min(i, len(want)):])
		}
	}
}
