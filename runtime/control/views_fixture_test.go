package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/memstore"
	"github.com/flowrun/flowrun/runtime/runtimetest"
	"github.com/flowrun/flowrun/runtime/sqlite"
)

// inStores runs a test with each kind of store.
func inStores(t *testing.T, f func(t *testing.T, s runtime.Store)) {
	t.Run("memory", func(t *testing.T) { f(t, memstore.New()) })
	t.Run("sqlite", func(t *testing.T) {
		s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "flowrun.db"), sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		f(t, s)
	})
}

// keep records runs, each of an event of its own, accepted when the run began.
func keep(t *testing.T, s runtime.Store, runs ...*runtime.Run) {
	t.Helper()
	for i, r := range runs {
		e := &runtime.Event{Connection: "stripe", Service: "stripe", ID: fmt.Sprintf("evt_%s", r.ID), Type: "charge.failed", Time: r.StartedAt,
			ReceivedAt: r.StartedAt, Payload: []byte(`{}`)}
		if _, err := s.AcceptEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		runs[i].EventSeq, runs[i].EventID, runs[i].Connection, runs[i].Program = e.Seq, e.ID, "stripe", "p2"
		if r.EventType == "" {
			runs[i].EventType = e.Type
		}
	}
	if err := s.Record(t.Context(), &runtime.Change{Runs: runs}); err != nil {
		t.Fatal(err)
	}
}

// runAt returns a run of a recipe that began so long before now, and lasted for took where it has ended.
func runAt(id, recipe string, status runtime.RunStatus, ago, took time.Duration) *runtime.Run {
	r := &runtime.Run{ID: id, Recipe: recipe, Status: status, StartedAt: now.Add(-ago)}
	if status.Ended() {
		r.EndedAt = r.StartedAt.Add(took)
	}
	return r
}

func failedWith(r *runtime.Run, step string, kind connectors.Kind, http int, message string) *runtime.Run {
	r.Error = &runtime.StepError{Step: step, Kind: kind, Status: http, Message: message}
	return r
}

// desk is a workshop and a catalogue that know one recipe, one trigger and one action.
type desk struct{}

func (desk) Describe(_ context.Context, name, program string, d *RecipeDetail) bool {
	if program != "" && program != "p2" {
		return false
	}
	if name == "billing/new" {
		d.Name, d.Filename = name, name+".hcl"
		d.Draft = &Draft{Source: "trigger {", Diagnostics: []Diagnostic{{Severity: "error", Summary: "Not closed", Line: 1}}, At: now}
		return true
	}
	d.Source, d.Reads = "two\n", []string{"trigger.customer"}
	return name == "billing/dunning"
}

func (desk) Reads(*runtime.Event) []Read {
	return []Read{{Path: "data.object.customer", Recipes: []string{"billing/dunning"}}}
}

func (desk) Uses() map[string]ConnectionUse {
	return map[string]ConnectionUse{"stripe": {Title: "Stripe", Limits: []ConnLimit{{Rate: 0.5, Burst: 1}}, Listeners: []string{"billing/dunning"},
		Events: []string{"charge.failed"}}}
}

func (desk) Fixture(e *runtime.Event, keep []string) (*Fixture, error) {
	if len(keep) > 0 {
		return nil, fmt.Errorf("%s is not replaced: %w", keep[0], ErrRefused)
	}
	return &Fixture{Event: json.RawMessage(e.Payload), Replaced: []string{"email"}, Dropped: []string{}}, nil
}

func (desk) Try(_ context.Context, e *runtime.Event, runs []*runtime.Run, r TryRequest) (*TryResult, error) {
	return &TryResult{Diagnostics: []Diagnostic{}, Outcome: "would_run", Because: fmt.Sprintf("%s with %d runs, %s", e.ID, len(runs), r.Source),
		Gates: []Gate{}, Calls: []TryCall{}}, nil
}

func (desk) List() *CatalogList {
	return &CatalogList{Services: []CatalogService{{Name: "stripe", Title: "Stripe"}}, Entries: []CatalogItem{
		{Kind: "action", Name: "customerio_track", Service: "customerio", Doc: "Record that a charge failed"},
		{Kind: "trigger", Name: "stripe_charge_failed", Service: "stripe"},
	}}
}

func (desk) Entry(name, _, path string) *CatalogEntry {
	if name != "stripe_charge_failed" || path == "nowhere" {
		return nil
	}
	return &CatalogEntry{Kind: "trigger", Name: name, Path: path}
}

func (desk) Pair(_ context.Context, trigger, action string) (*CatalogPair, error) {
	if action != "customerio_track" {
		return nil, fmt.Errorf("there is no action %q: %w", action, ErrRefused)
	}
	return &CatalogPair{Trigger: trigger, Action: action, Recipe: "trigger {}\n"}, nil
}

var (
	_ Workshop = desk{}
	_ Catalog  = desk{}
)

// viewsOf is a door to a store, with all that the pages ask for.
func viewsOf(s runtime.Store) *Handler {
	return New(Config{Store: s, Engine: machine{}, Operator: &crew{}, Past: &crew{}, Workshop: desk{}, Catalog: desk{}, Clock: runtimetest.NewClock(now)})
}

// answerOf asks for a path and reads the answer.
func answerOf[T any](t *testing.T, h http.Handler, method, path, body string) *T {
	t.Helper()
	w := ask(h, method, path, body)
	if w.Code != http.StatusOK {
		t.Fatalf("%s %s answers %d %s", method, path, w.Code, w.Body)
	}
	v := new(T)
	if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
		t.Fatal(err)
	}
	return v
}
