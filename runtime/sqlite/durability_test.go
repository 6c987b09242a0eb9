//go:build unix

package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	lib "modernc.org/sqlite/lib"

	"github.com/flowrun/flowrun/runtime"
)

// acknowledged is all that a store said it has.
type acknowledged struct {
	mu      sync.Mutex
	events  []*runtime.Event
	changes []*runtime.Change
	met     []meeting
	indexed []*runtime.Event // by their ids
}

// meeting is a wait and the event that came for it, whose records were both acknowledged.
type meeting struct {
	run   string
	event int64
}

// load accepts events and records the end of their runs from several goroutines, until the store fails or each has
// done up to limit. It returns what was acknowledged, and the last error.
func load(s *Store, seed uint64, limit int) (*acknowledged, error) {
	a := &acknowledged{}
	var last error
	var wg sync.WaitGroup
	for p := range 6 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(p)))
			var wait *runtime.Run // of the event before, where it was left waiting for this one
			for n := range limit {
				e := makeEvent(r, "evt_"+word62(r, 20))
				_, err := s.AcceptEvent(context.Background(), e)
				if err == nil {
					a.mu.Lock()
					a.events = append(a.events, e)
					a.mu.Unlock()
					c := makeChange(r, e)
					next := runtime.Await{Connection: "stripe", EventType: "charge.failed", Path: "id", Key: fmt.Sprintf("%d/%d/%d", seed, p, n+1)}
					if wait == nil {
						waitFor(c.Runs[0], next)
					} else {
						c.Keys = []runtime.Await{{Connection: "stripe", EventType: "charge.failed", Path: "id", Key: fmt.Sprintf("%d/%d/%d", seed, p, n)}}
						c.Marks = []runtime.Mark{{Key: next.Key, Run: c.Runs[0].ID, At: e.ReceivedAt}}
					}
					if err = s.Record(context.Background(), c); err == nil {
						a.mu.Lock()
						a.changes = append(a.changes, c)
						if wait != nil {
							a.met = append(a.met, meeting{wait.ID, e.Seq})
						}
						a.mu.Unlock()
						if p == 0 && n%4 == 0 {
							err = a.index(s, e)
						}
						if wait = nil; c.Runs[0].Status == runtime.RunWaiting {
							wait = c.Runs[0]
						}
					}
				}
				if err != nil {
					a.mu.Lock()
					last = err
					a.mu.Unlock()
					return
				}
			}
		})
	}
	wg.Wait()
	return a, last
}

// index makes an event findable by its id.
func (a *acknowledged) index(s *Store, e *runtime.Event) error {
	err := s.AddFields(context.Background(), e.Seq, []runtime.EventFields{{Seq: e.Seq, Fields: []runtime.Field{{Name: "id", Value: e.ID}}}})
	if err == nil {
		a.indexed = append(a.indexed, e) // only one goroutine gets here
	}
	return err
}

// waitFor makes the run wait for an event in a loop's step.
func waitFor(r *runtime.Run, await runtime.Await) {
	r.Status, r.EndedAt = runtime.RunWaiting, time.Time{}
	r.Due = r.StartedAt.Add(1000 * time.Hour)
	r.Steps = append(r.Steps, &runtime.Step{Index: 2, Address: "wait.next", Status: runtime.StepWaiting, Loop: true, Item: 3, Each: "k",
		Awaits: []runtime.Await{await}})
}

// missing returns what a store lacks of what was acknowledged.
func (a *acknowledged) missing(s *Store) []string {
	var list []string
	ctx := context.Background()
	for _, e := range a.events {
		got, err := s.EventBySeq(ctx, e.Seq)
		if err != nil || got.ID != e.ID || !bytes.Equal(got.Payload, e.Payload) {
			list = append(list, fmt.Sprintf("event %d %s: %v", e.Seq, e.ID, err))
		}
	}
	for _, c := range a.changes {
		want := c.Runs[0]
		got, err := s.Run(ctx, want.ID)
		if err != nil || got.Seq != want.Seq || got.Status != want.Status || len(got.Steps) != len(want.Steps) ||
			!bytes.Equal(got.Steps[0].Output, want.Steps[0].Output) {
			list = append(list, fmt.Sprintf("run %d %s: %v", want.Seq, want.ID, err))
		}
		if _, err := s.Decision(ctx, c.Decision.EventSeq); err != nil {
			list = append(list, fmt.Sprintf("decision on %d: %v", c.Decision.EventSeq, err))
		}
		for _, m := range c.Marks {
			if got, err := s.Mark(ctx, m.Key); err != nil || got.Run == "" {
				list = append(list, fmt.Sprintf("mark %s: %v", m.Key, err))
			}
		}
	}
	for _, e := range a.indexed {
		found, err := s.Events(ctx, runtime.EventQuery{Where: []runtime.Field{{Name: "id", Value: e.ID}}})
		if err != nil || len(found) != 1 || found[0].Seq != e.Seq {
			list = append(list, fmt.Sprintf("index of event %d: found %d, %v", e.Seq, len(found), err))
		}
	}
	for _, m := range a.met {
		got, err := s.Run(ctx, m.run)
		if err != nil || !slices.Equal(got.Arrived, []runtime.Arrival{{Step: "wait.next", Each: "k", EventSeq: m.event}}) || got.Due.After(got.StartedAt.Add(time.Hour*24*30)) {
			list = append(list, fmt.Sprintf("event %d for waiting run %s: %v", m.event, m.run, err))
		}
	}
	return list
}

// cutPower loads a store until its power goes at an operation that seed chooses, and returns what was acknowledged and
// the folder with what the disk then holds.
func cutPower(t *testing.T, seed uint64, opts Options) (*acknowledged, string, *disk) {
	t.Helper()
	d := newDisk(t, seed)
	opts.vfs, opts.checkpointFrames = d.name, 30
	s := open(t, filepath.Join(t.TempDir(), "flowrun.db"), opts)
	d.set(func(d *disk) { d.cutAt = d.ops + 1 + d.rnd.IntN(2500) })
	a, err := load(s, seed, 1000)
	if err == nil {
		t.Fatal("the power stayed on")
	}
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("without power the store fails with: %v", err)
	}
	s.Close()
	dir := t.TempDir()
	d.crash(t, dir)
	return a, dir, d
}

func TestPowerLoss(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			a, dir, _ := cutPower(t, seed, Options{})
			s := open(t, filepath.Join(dir, "flowrun.db"), fast())
			for _, m := range a.missing(s) {
				t.Errorf("acknowledged and lost: %s", m)
			}
			if err := s.Check(t.Context()); err != nil {
				t.Error(err)
			}
			// It goes on where it stopped.
			if _, err := load(s, seed+1000, 3); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPowerLossIsSeen shows that the test above can fail: without syncs, acknowledged events are lost.
func TestPowerLossIsSeen(t *testing.T) {
	lost := 0
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			a, dir, _ := cutPower(t, seed, Options{synchronous: "OFF"})
			s, err := Open(t.Context(), filepath.Join(dir, "flowrun.db"), fast())
			if err != nil {
				lost++ // not even a database is left
				return
			}
			defer s.Close()
			if len(a.missing(s)) > 0 || s.Check(t.Context()) != nil {
				lost++
			}
		})
	}
	if lost == 0 {
		t.Error("a store that does not sync lost nothing: the disk does not show what a power cut does")
	}
}

func TestDiskFailures(t *testing.T) {
	tests := []struct {
		name       string
		fail, mend func(*disk)
	}{
		{"full", func(d *disk) { d.space = 20_000 }, func(d *disk) { d.space = -1 }},
		{"full at once", func(d *disk) { d.space = 0 }, func(d *disk) { d.space = -1 }},
		{"write error", func(d *disk) { d.space, d.full = 50_000, lib.SQLITE_IOERR_WRITE }, func(d *disk) { d.space = -1 }},
		{"read only", func(d *disk) { d.space, d.full = 0, lib.SQLITE_READONLY }, func(d *disk) { d.space = -1 }},
		{"sync error", func(d *disk) { d.badSync = lib.SQLITE_IOERR_FSYNC }, func(d *disk) { d.badSync = 0 }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDisk(t, 1)
			path := filepath.Join(t.TempDir(), "flowrun.db")
			s := open(t, path, Options{vfs: d.name, checkpointFrames: 30})
			a, err := load(s, 1, 20)
			if err != nil {
				t.Fatal(err)
			}
			d.set(test.fail)
			during, err := load(s, 2, 1000)
			if !errors.Is(err, ErrUnavailable) {
				t.Fatalf("with the disk failing: %v", err)
			}
			before, err := s.Counts(t.Context())
			if err != nil || before.Events != int64(len(a.events)+len(during.events)) {
				t.Errorf("%d events are counted, %d were acknowledged: %v", before.Events, len(a.events)+len(during.events), err)
			}
			// Reading goes on, and a duplicate of what is stored is still known for one.
			for _, m := range append(a.missing(s), during.missing(s)...) {
				t.Errorf("acknowledged and lost: %s", m)
			}
			if e := makeEvent(rand.New(rand.NewPCG(9, 9)), "evt_refused"); true {
				if ok, err := s.AcceptEvent(t.Context(), e); ok || !errors.Is(err, ErrUnavailable) {
					t.Errorf("accepting: %v, %v", ok, err)
				}
			}
			d.set(test.mend)
			after, err := load(s, 3, 20)
			if err != nil {
				t.Fatalf("once the disk is well again: %v", err)
			}
			if err := s.Check(t.Context()); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			s = open(t, path, Options{vfs: d.name})
			for _, m := range append(append(a.missing(s), during.missing(s)...), after.missing(s)...) {
				t.Errorf("acknowledged and lost: %s", m)
			}
		})
	}
}
