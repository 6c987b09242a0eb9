package edit_test

import (
	"fmt"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/lang/edit"
	"github.com/flowrun/flowrun/lang/langtest"
)

// thousand is a project of a thousand recipes; the places in each recipe where an author may ask are those behind a mark.
func thousand() *edit.Workspace {
	w := edit.NewWorkspace(langtest.Catalog())
	w.Set("flowrun.hcl", []byte(shared))
	for n := range 1000 {
		text := strings.Replace(first, "x ${", fmt.Sprintf("x%d ${", n), 1)
		w.Set(fmt.Sprintf("team%d/recipe%d.hcl", n%10, n), []byte(text))
	}
	return w
}

// BenchmarkComplete types into one of a thousand recipes and completes: each round sets the text and asks. It reports
// the time that 99 in 100 stay below.
func BenchmarkComplete(b *testing.B) {
	w := thousand()
	const name = "team7/recipe7.hcl"
	whole, _ := w.Text(name)
	var texts [][]byte
	var places []int
	for _, c := range []struct{ old, new string }{
		{"id         = action.customer.id", "id         = action.customer."},
		{"trigger.customer != null", "trigger."},
		{`name       = "x7 ${action.customer.id}"`, "name       = trigger."},
		{"connection = \"eu\"", "na"},
		{"name = error.kind", "name = "},
		{"depends_on = [action.customer]", "depends_on = [action."},
	} {
		i := strings.Index(string(whole), c.old)
		texts = append(texts, slices.Concat(whole[:i], []byte(c.new), whole[i+len(c.old):]))
		places = append(places, i+len(c.new))
	}
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		i := n % len(texts)
		began := time.Now()
		w.Set(name, texts[i])
		items := w.Complete(name, places[i])
		took = append(took, time.Since(began))
		if len(items) == 0 {
			b.Fatalf("nothing is offered in\n%s", texts[i])
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkDiagnostics checks a thousand recipes of which one has changed.
func BenchmarkDiagnostics(b *testing.B) {
	w := thousand()
	w.Diagnostics(never)
	for n := 0; b.Loop(); n++ {
		w.Set("team7/recipe7.hcl", []byte(strings.Replace(first, "x ${", fmt.Sprintf("y%d ${", n%2), 1)))
		if _, done := w.Diagnostics(never); !done {
			b.Fatal("the check was stopped")
		}
	}
}

// BenchmarkOpen reads and checks a thousand recipes, and reports the memory that they keep.
func BenchmarkOpen(b *testing.B) {
	heap := func() uint64 {
		goruntime.GC()
		var m goruntime.MemStats
		goruntime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	var w *edit.Workspace
	for b.Loop() {
		w = thousand()
		w.Diagnostics(never)
	}
	b.ReportMetric(float64(heap()-before)/(1<<20), "MiB-kept")
	goruntime.KeepAlive(w)
}

// BenchmarkReferences finds what reads a local of the project, in all recipes.
func BenchmarkReferences(b *testing.B) {
	w := thousand()
	at := strings.Index(shared, "big") + 1
	for b.Loop() {
		if n := len(w.References("flowrun.hcl", at, true)); n != 1001 {
			b.Fatalf("%d references", n)
		}
	}
}

// BenchmarkCompleteInTests does so in the tests of one of a thousand recipes, each of which has some.
func BenchmarkCompleteInTests(b *testing.B) {
	w := thousand()
	for n := range 1000 {
		name := fmt.Sprintf("team%d/recipe%d", n%10, n)
		w.Set(name+".test.hcl", []byte("test \"it\" {\n  event \"stripe_charge_failed\" {\n    amount = 1\n  }\n  expect action \"customer\" {\n    calls = 0\n  }\n}\n"))
	}
	w.Diagnostics(never)
	const name = "team7/recipe7.test.hcl"
	texts := []string{
		"test \"it\" {\n  event \"stripe_charge_failed\" {\n    |",
		"test \"it\" {\n  event \"stripe_charge_failed\" {\n    status = |\n  }\n}\n",
		"test \"it\" {\n  mock action \"|",
		"test \"it\" {\n  expect action \"customer\" {\n    input = { |\n",
	}
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		before, after, _ := strings.Cut(texts[n%len(texts)], "|")
		began := time.Now()
		w.Set(name, []byte(before+after))
		items := w.Complete(name, len(before))
		took = append(took, time.Since(began))
		if len(items) == 0 {
			b.Fatalf("nothing is offered in\n%s", before)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
