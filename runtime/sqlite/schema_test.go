package sqlite

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

func rawConn(t *testing.T, path string) *conn {
	t.Helper()
	c, err := openConn(path, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

func schemaOf(t *testing.T, c *conn) string {
	t.Helper()
	var b strings.Builder
	err := c.query(`SELECT type, name, sql FROM sqlite_master ORDER BY type, name`, func(s *stmt) error {
		fmt.Fprintln(&b, s.text(0), s.text(1), s.text(2))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// old makes the event and the change that the files of old versions hold two of, the second undecided.
func old(n int) (*runtime.Event, *runtime.Change) {
	r := rand.New(rand.NewPCG(5, uint64(n)))
	e := makeEvent(r, fmt.Sprint("evt_old_", n))
	e.Seq = int64(n)
	c := makeChange(r, e)
	if n == 2 {
		c.Decision, c.Runs[0].Status = nil, runtime.RunFailed
	}
	return e, c
}

// TestOpenOlder opens the files that earlier schema versions left, written by the code of their time.
func TestOpenOlder(t *testing.T) {
	for version := 1; version <= 3; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) { openOlder(t, version) })
	}
}

// openOlder opens a file with two events, and from version 2 on a third whose run waits, and a program.
func openOlder(t *testing.T, version int) {
	path := filepath.Join(t.TempDir(), "flowrun.db")
	copyFile(t, fmt.Sprintf("testdata/version%d.db", version), path)
	c := rawConn(t, path)
	fresh := rawConn(t, filepath.Join(t.TempDir(), "fresh.db"))
	if err := migrate(fresh, migrations()[:version]); err != nil {
		t.Fatal(err)
	}
	if got, want := schemaOf(t, c), schemaOf(t, fresh); got != want {
		t.Errorf("the file has the schema\n%s\nbut version %d is\n%s", got, version, want)
	}

	s := open(t, path, fast())
	events, undecided, waiting := int64(2), int64(1), int64(0)
	if version >= 2 {
		events, waiting = 3, 1
	}
	for n := 1; n <= int(events); n++ {
		e, change := old(n)
		got, err := s.Event(t.Context(), e.Connection, e.ID)
		if err != nil || got.Seq != e.Seq || string(got.Payload) != string(e.Payload) {
			t.Errorf("event %d: %+v, %v", n, got, err)
		}
		run, err := s.Run(t.Context(), change.Runs[0].ID)
		if err != nil || len(run.Steps) != 2 || string(run.Steps[0].Output) != string(change.Runs[0].Steps[0].Output) ||
			run.Lane != "" || run.Queue != 0 || !run.Order.IsZero() || run.Input != nil || run.Steps[1].Loop || run.Steps[1].Awaits != nil {
			t.Errorf("run %d: %+v, %v", n, run, err)
		}
	}
	counts, err := s.Counts(t.Context())
	if err != nil || counts.Events != events || counts.Undecided != undecided || counts.LastSeq != events ||
		counts.Runs[runtime.RunCompleted] != 1 || counts.Runs[runtime.RunFailed] != 1 || counts.Runs[runtime.RunWaiting] != waiting {
		t.Errorf("counts are %+v, %v", counts, err)
	}
	if version >= 2 {
		due, err := s.Due(t.Context(), time.Unix(2_000_000_000, 0), 10)
		if err != nil || len(due) != 1 || due[0].EventSeq != 3 {
			t.Errorf("due are %v, %v", due, err)
		}
		p, err := s.Program(t.Context(), "old")
		if err != nil || string(p.Files["a.hcl"]) != "x" || p.Awaits != nil {
			t.Errorf("program %+v, %v", p, err)
		}
	}
	tallies, err := s.Tally(t.Context(), runtime.TallyQuery{})
	for _, x := range tallies {
		if x.Runs != counts.Runs[x.Status] {
			t.Errorf("%d runs are %s over time, %d in all", x.Runs, x.Status, counts.Runs[x.Status])
		}
	}
	if want := 2 + waiting; err != nil || int64(len(tallies)) != want {
		t.Errorf("%d outcomes are counted over time, want %d; %v", len(tallies), want, err)
	}
	if version == 3 {
		found, err := s.Runs(t.Context(), runtime.RunQuery{Where: []runtime.Field{{Name: "customer", Value: "cus_old"}}})
		if err != nil || len(found) != 1 || found[0].EventSeq != 1 {
			t.Errorf("found %v, %v", found, err)
		}
	}
	e := event("evt_new")
	if ok, err := s.AcceptEvent(t.Context(), e); !ok || err != nil || e.Seq != events+1 {
		t.Errorf("accepting: %v, %v, Seq %d", ok, err, e.Seq)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
}

func TestRefuseNewer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flowrun.db")
	if err := rawConn(t, path).exec(`PRAGMA user_version = 99`); err != nil {
		t.Fatal(err)
	}
	_, err := Open(context.Background(), path, Options{})
	if err == nil || !strings.Contains(err.Error(), "schema version 99") || !strings.Contains(err.Error(), "newer") {
		t.Errorf("error %v", err)
	}
}

func TestFailedMigrationLeavesNothing(t *testing.T) {
	c := rawConn(t, filepath.Join(t.TempDir(), "flowrun.db"))
	steps := append(migrations(), migration{sql: `CREATE TABLE half (x); CREATE TABLE half (x)`})
	for range 2 {
		if err := migrate(c, steps); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("version %d", len(steps))) {
			t.Fatalf("error %v", err)
		}
	}
	v, err := c.queryInt(`PRAGMA user_version`)
	if err != nil || int(v) != len(migrations()) {
		t.Errorf("version %d, %v", v, err)
	}
	if strings.Contains(schemaOf(t, c), "half") {
		t.Error("half of the step is there")
	}
	if err := migrate(c, migrations()); err != nil {
		t.Error(err)
	}
}
