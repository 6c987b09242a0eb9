package sqlite

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// plans returns how SQLite carries out the queries that f has the store make, without those of rows by their number.
func plans(t *testing.T, s *Store, f func(context.Context) error) []string {
	t.Helper()
	if err := f(t.Context()); err != nil {
		t.Fatal(err)
	}
	var list []string
	for range readers {
		c := <-s.pool.slots
		if c != nil {
			var queries []string
			for sql := range c.stmts {
				if strings.HasPrefix(sql, "SELECT") {
					queries = append(queries, sql)
				}
			}
			for _, sql := range queries {
				var plan []string
				err := c.query(`EXPLAIN QUERY PLAN `+sql, func(st *stmt) error {
					plan = append(plan, st.text(3))
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, strings.Join(plan, ", "))
			}
			c.close()
		}
		s.pool.slots <- nil
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// TestPlans holds the plans of what the operators' pages ask for again and again. None may read all runs: there are a
// million of them.
func TestPlans(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "flowrun.db"), fast())
	e := event("evt_1")
	if _, err := s.AcceptEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	run := &runtime.Run{ID: "run_1", EventSeq: e.Seq, Recipe: "a", Program: "p", Status: runtime.RunFailed, StartedAt: time.Unix(1, 0)}
	if err := s.Record(t.Context(), &runtime.Change{Runs: []*runtime.Run{run}}); err != nil {
		t.Fatal(err)
	}
	runs := func(q runtime.RunQuery) func(context.Context) error {
		return func(ctx context.Context) error { _, err := s.Runs(ctx, q); return err }
	}
	for _, tt := range []struct {
		name string
		ask  func(context.Context) error
		want []string
	}{
		{"failed runs", runs(runtime.RunQuery{Status: runtime.RunFailed, Limit: 1000}),
			[]string{"SEARCH runs USING INDEX runs_status (status=? AND seq<?)"}},
		{"waiting runs", runs(runtime.RunQuery{Status: runtime.RunWaiting}),
			[]string{"SEARCH runs USING INDEX runs_status (status=? AND seq<?)"}},
		// The newest, which are not in segments yet, then those that segments name.
		{"runs of a recipe", runs(runtime.RunQuery{Recipe: "a"}),
			[]string{"SCAN indexed", "SEARCH runs USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)", "SEARCH segments USING INDEX segments_last (kind=?)"}},
		{"the next to wake", func(ctx context.Context) error { _, err := s.Due(ctx, time.Unix(1<<31, 0), 10); return err },
			[]string{"SEARCH runs USING INDEX runs_timed (due<?)"}},
		{"runs that have not ended", func(ctx context.Context) error { _, err := s.RecipeCounts(ctx); return err },
			[]string{"SEARCH runs USING INDEX runs_status (status=?), USE TEMP B-TREE FOR GROUP BY"}},
		// As many as there were changes of the folder; their files are on pages of their own.
		{"programs", func(ctx context.Context) error { _, err := s.Programs(ctx, 10); return err },
			[]string{"SCAN programs, USE TEMP B-TREE FOR ORDER BY"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := plans(t, s, tt.ask); !slices.Equal(got, tt.want) {
				t.Errorf("planned as\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}
