package memstore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// Audit implements runtime.Store.
func (s *Store) Audit(ctx context.Context, a *runtime.Audit) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if a.Seq == 0 {
		s.auditSeq++
		a.Seq = s.auditSeq
	}
	kept := copyAudit(a)
	for i, old := range s.audits {
		if old.Seq == a.Seq {
			s.audits[i] = kept
			return nil
		}
	}
	s.audits = append(s.audits, kept)
	return nil
}

func copyAudit(a *runtime.Audit) *runtime.Audit {
	c := *a
	c.At, c.IDs = utc(a.At), slices.Clone(a.IDs)
	return &c
}

// Audits implements runtime.Store.
func (s *Store) Audits(ctx context.Context, q runtime.AuditQuery) ([]*runtime.Audit, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var list []*runtime.Audit
	for _, a := range slices.Backward(s.audits) {
		if len(list) == limitOf(q.Limit) {
			break
		}
		if (q.Who == "" || a.Who == q.Who) && (q.What == "" || a.What == q.What) && (q.ID == "" || slices.Contains(a.IDs, q.ID)) &&
			!a.At.Before(q.Since) && (q.Before <= 0 || a.Seq < q.Before) {
			list = append(list, copyAudit(a))
		}
	}
	return list, nil
}

// Tally implements runtime.Store.
func (s *Store) Tally(ctx context.Context, q runtime.TallyQuery) ([]runtime.Tally, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	since := q.Since
	if !since.IsZero() {
		since = cut(since, runtime.TallySpan)
	}
	counts := map[runtime.Tally]int64{}
	for _, r := range s.runs {
		if r.StartedAt.IsZero() || q.Recipe != "" && r.Recipe != q.Recipe || !within(cut(r.StartedAt, runtime.TallySpan), since, q.Until) {
			continue
		}
		t := runtime.Tally{Status: r.Status}
		if q.Span > 0 {
			t.At = cut(r.StartedAt, q.Span.Truncate(runtime.TallySpan))
		}
		if q.ByRecipe {
			t.Recipe = r.Recipe
		}
		counts[t]++
	}
	list := make([]runtime.Tally, 0, len(counts))
	for t, n := range counts {
		t.Runs = n
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b runtime.Tally) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Recipe, b.Recipe), cmp.Compare(a.Status, b.Status))
	})
	return list, nil
}

// cut returns the last multiple of span since 1970 that is not after t.
func cut(t time.Time, span time.Duration) time.Time {
	n := t.UnixNano()
	return time.Unix(0, n-n%max(int64(span), int64(runtime.TallySpan))).UTC()
}
