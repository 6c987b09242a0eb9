package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/memstore"
)

// driftLog counts where payloads differ from their shapes, by event type and field.
type driftLog struct {
	slog.Handler
	mu     sync.Mutex
	counts map[string]int
}

func (d *driftLog) Enabled(context.Context, slog.Level) bool { return true }

func (d *driftLog) Handle(_ context.Context, r slog.Record) error {
	var typ, field string
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "type":
			typ = a.Value.String()
		case "field":
			field = a.Value.String()
		}
		return true
	})
	if field != "" {
		d.mu.Lock()
		d.counts[typ+" "+field]++
		d.mu.Unlock()
	}
	return nil
}

// TestEventsOfOthersRun runs a recipe that reads the whole payload for each event of another project's collection, of API
// versions back to 2012. What differs from the shapes is counted, and fails no run.
func TestEventsOfOthersRun(t *testing.T) {
	dir := os.Getenv("FLOWRUN_EVENTS")
	if dir == "" {
		t.Skip("FLOWRUN_EVENTS is not set: the collections of events are kept outside of the project")
	}
	names, err := filepath.Glob(filepath.Join(dir, "stripe", "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no events in %s: %v", dir, err)
	}
	registry := all.Registry()
	files, events := map[string][]byte{}, []*runtime.Event{}
	for n, name := range names {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		typ, _ := schema.StringOf(schema.Lookup(body, "type"))
		trigger := "stripe_" + strings.ReplaceAll(typ, ".", "_")
		if registry.Trigger(trigger) == nil {
			continue // a type that this API version has no more
		}
		files[trigger+".hcl"] = fmt.Appendf(nil, "trigger %q {}\naction \"state_set\" \"keep\" {\n  name  = event.id\n  value = keys(trigger)\n}\n", trigger)
		events = append(events, &runtime.Event{Connection: "stripe", Service: "stripe", ID: fmt.Sprintf("evt_%d", n), Type: typ, Payload: body,
			Time: time.Unix(1_700_000_000, 0), ReceivedAt: time.Unix(1_700_000_000, 0)})
	}
	program, diags := lang.CompileFiles(files, registry)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	bindings, diags := program.Bind(lang.Inputs{Unsigned: true})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	drifts := &driftLog{Handler: slog.DiscardHandler, counts: map[string]int{}}
	store, ended := memstore.New(), make(chan *runtime.Run, len(events))
	e := engine.New(engine.Config{Store: store, Registry: registry, Log: slog.New(drifts), OnRun: func(r *runtime.Run) { ended <- r }})
	if err := e.Swap(t.Context(), program, bindings); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, ev := range events {
		if _, err := store.AcceptEvent(t.Context(), ev); err != nil {
			t.Fatal(err)
		}
		e.Accepted(ev)
	}
	for range events {
		if run := <-ended; run.Status != runtime.RunCompleted {
			t.Errorf("%s (%s): %s, %v", run.EventType, run.EventID, run.Status, run.Error)
		}
	}
	if err := e.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for field, n := range drifts.counts {
		lines = append(lines, fmt.Sprintf("%s: %d", field, n))
	}
	slices.Sort(lines)
	t.Logf("%d of %d events ran; %d fields differ from their shapes:\n%s", len(events), len(names), len(lines), strings.Join(lines, "\n"))
}
