package history_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/history"
	"github.com/flowrun/flowrun/runtime/memstore"
	"github.com/flowrun/flowrun/runtime/runtimetest"
)

// world is a vendor with a past, and a server that may have missed some of it.
type world struct {
	t     *testing.T
	clock *runtimetest.Clock
	store runtime.Store
	past  []connectors.PastEvent
	fail  int // the vendor breaks off after so many events; 0 for never
	asked []connectors.HistoryQuery
	told  []string
	n     int
}

func newWorld(t *testing.T) *world {
	return &world{t: t, clock: runtimetest.NewClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), store: memstore.New()}
}

// happens adds an event to the vendor's past, now.
func (w *world) happens(typ string) string {
	w.n++
	e := connectors.PastEvent{Body: []byte(`{}`), Envelope: connectors.Envelope{ID: fmt.Sprintf("evt_%d", w.n), Type: typ, Time: w.clock.Now(), APIVersion: "2020-08-27"}}
	w.past = append(w.past, e)
	return e.ID
}

// comes is a webhook.
func (w *world) comes(id string) {
	w.t.Helper()
	for _, e := range w.past {
		if e.ID == id {
			if _, err := w.store.AcceptEvent(w.t.Context(), history.EventOf(conn(), e, w.clock.Now())); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

func conn() *connectors.Conn { return &connectors.Conn{Name: "pay", Service: "acme"} }

var errBroken = errors.New("broken off")

func (w *world) api() *connectors.History {
	return &connectors.History{Window: 30 * 24 * time.Hour,
		Events: func(_ context.Context, _ *connectors.Conn, q connectors.HistoryQuery, each func(connectors.PastEvent) error) error {
			w.asked = append(w.asked, q)
			n := 0
			for _, e := range w.past {
				if e.Time.Before(q.From) || !e.Time.Before(q.To) {
					continue
				}
				if n++; w.fail > 0 && n > w.fail {
					return errBroken
				}
				if err := each(e); err != nil {
					return err
				}
			}
			return nil
		}}
}

func (w *world) reader() *history.Reader {
	return history.New(history.Config{Store: w.store, Clock: w.clock, Accepted: func(e *runtime.Event) { w.told = append(w.told, e.ID) }})
}

func (w *world) look(polled bool, types ...string) *history.Report {
	w.t.Helper()
	rep, err := w.reader().Look(w.t.Context(), history.Source{Conn: conn(), API: w.api(), Types: types, Polled: polled})
	if err != nil {
		w.t.Fatal(err)
	}
	return rep
}

func (w *world) took(want string) {
	w.t.Helper()
	if got := strings.Join(w.told, " "); got != want {
		w.t.Errorf("taken: %q, want %q", got, want)
	}
}

func TestMissingEventsAreTakenOnce(t *testing.T) {
	w := newWorld(t)
	w.look(false, "a")
	w.clock.Advance(time.Hour)
	w.comes(w.happens("a"))
	missed := w.happens("a")
	w.happens("b") // nobody wants it
	w.clock.Advance(time.Hour)
	for range 3 { // each a new process
		w.look(false, "a")
		w.clock.Advance(5 * time.Minute)
	}
	w.took(missed)
	ev, err := w.store.Event(t.Context(), "pay", missed)
	if err != nil || ev.APIVersion != "2020-08-27" || ev.Service != "acme" {
		t.Errorf("%+v, %v: want the event as the vendor renders it", ev, err)
	}
	gaps, err := w.reader().Gaps(t.Context(), []string{"pay"})
	if err != nil || len(gaps) != 1 || gaps[0].ID != missed {
		t.Errorf("gaps %+v, %v", gaps, err)
	}
}

func TestNothingOlderThanTheWatermarkRuns(t *testing.T) {
	w := newWorld(t)
	w.happens("a")
	w.clock.Advance(time.Hour)
	if err := w.reader().Want(t.Context(), "pay", []string{"a"}); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Hour)
	w.happens("b")
	after := w.happens("a")
	w.clock.Advance(time.Hour)
	w.look(false, "a", "b") // b is wanted from now on
	w.took(after)

	// While nobody wants it nothing is remembered to be wanted.
	w.look(false, "b")
	w.clock.Advance(time.Hour)
	w.happens("a")
	w.clock.Advance(time.Hour)
	w.look(false, "a", "b")
	w.clock.Advance(time.Hour)
	w.look(false, "a", "b")
	w.took(after)
}

func TestEventsOnTheirWayAreNotMissing(t *testing.T) {
	w := newWorld(t)
	w.look(false, "a")
	w.clock.Advance(time.Hour)
	id := w.happens("a")
	w.clock.Advance(time.Minute)
	w.look(false, "a")
	w.took("")
	w.clock.Advance(10 * time.Minute)
	w.look(false, "a")
	w.took(id)
}

func TestPolledSourceTakesAtOnce(t *testing.T) {
	w := newWorld(t)
	w.look(true, "a")
	w.clock.Advance(time.Minute)
	first, second := w.happens("a"), w.happens("a")
	w.look(true, "a")
	w.look(true, "a")
	w.took(first + " " + second)
	if gaps, err := w.reader().Gaps(t.Context(), []string{"pay"}); err != nil || len(gaps) > 0 {
		t.Errorf("gaps %+v, %v: what is polled is not missing", gaps, err)
	}
}

func TestLookGoesOnWhereItBrokeOff(t *testing.T) {
	w := newWorld(t)
	w.look(false, "a")
	w.clock.Advance(time.Hour)
	first, second := w.happens("a"), w.happens("a")
	w.clock.Advance(time.Hour)
	w.fail = 1
	if _, err := w.reader().Look(t.Context(), history.Source{Conn: conn(), API: w.api(), Types: []string{"a"}}); !errors.Is(err, errBroken) {
		t.Fatalf("%v, want the vendor's failure", err)
	}
	w.took(first)
	w.fail = 0
	w.look(false, "a")
	w.took(first + " " + second)
}

func TestWhatIsOutOfReachIsSaid(t *testing.T) {
	w := newWorld(t)
	w.look(false, "a")
	w.clock.Advance(24 * time.Hour)
	w.happens("a")
	w.clock.Advance(40 * 24 * time.Hour)
	seen := w.happens("a")
	w.clock.Advance(time.Hour)
	rep := w.look(false, "a")
	w.took(seen)
	if want := w.clock.Now().Add(-30 * 24 * time.Hour); !rep.Lost.Equal(want) {
		t.Errorf("lost before %v, want %v", rep.Lost, want)
	}
	if rep = w.look(false, "a"); !rep.Lost.IsZero() {
		t.Errorf("lost before %v, want it to be said once", rep.Lost)
	}
}

func TestLooksAreShort(t *testing.T) {
	w := newWorld(t)
	w.look(false, "a")
	for range 3 {
		w.clock.Advance(24 * time.Hour)
		w.look(false, "a")
	}
	last := w.asked[len(w.asked)-1]
	if d := last.To.Sub(last.From); d > 24*time.Hour+15*time.Minute {
		t.Errorf("the last look went over %v, want a day and a little", d)
	}
}
