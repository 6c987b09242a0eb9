package sqlite

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "s.db")
	s, err := Open(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := &runtime.Event{Connection: "stripe", Service: "stripe", ID: "evt_1", Type: "charge.failed", Time: time.Unix(5, 0), ReceivedAt: time.Unix(6, 0), Payload: []byte(`{"a":1}`)}
	ok, err := s.AcceptEvent(ctx, e)
	if !ok || err != nil || e.Seq != 1 {
		t.Fatal(ok, err, e.Seq)
	}
	if ok, err = s.AcceptEvent(ctx, e); ok || err != nil {
		t.Fatal(ok, err)
	}
	u, err := s.Undecided(ctx, 0, 10)
	if err != nil || len(u) != 1 || string(u[0].Payload) != `{"a":1}` {
		t.Fatal(u, err)
	}
	r := &runtime.Run{ID: "run_1", EventSeq: 1, Recipe: "r", Status: runtime.RunCompleted, Steps: []*runtime.Step{{Index: 0, Address: "action.x", Status: runtime.StepDone}}}
	if err := s.Record(ctx, &runtime.Change{Decision: &runtime.Decision{EventSeq: 1}, Runs: []*runtime.Run{r}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(ctx, path+".bak"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
