package control

// How many runs there were over time. The store keeps the numbers, so that this costs the same whatever there is.

import (
	"fmt"
	"net/http"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// Stats is how many runs started in a time, and how they stand now.
type Stats struct {
	Since    time.Time        `json:"since"` // when the first bucket begins
	Until    time.Time        `json:"until"`
	BucketMS int64            `json:"bucket_ms"`
	Runs     map[string]int64 `json:"runs"`    // by status; those that there are none of are left out
	Buckets  []StatsBucket    `json:"buckets"` // one after the other, with none left out
}

// StatsBucket is a part of that time.
type StatsBucket struct {
	At   time.Time        `json:"at"` // when it begins
	Runs map[string]int64 `json:"runs"`
}

const (
	statsSince  = 24 * time.Hour
	fewBuckets  = 100
	mostBuckets = 1000
)

// statsWidths are the widths of buckets that are chosen among where none is asked for.
func statsWidths() []time.Duration {
	return []time.Duration{5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour,
		12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}
}

func (h *Handler) stats(r *http.Request) (any, error) {
	q, err := h.query(r, "recipe", "until", "bucket")
	if err != nil {
		return nil, err
	}
	now := h.cfg.Clock.Now()
	if q.until.IsZero() {
		q.until = now
	}
	if q.since.IsZero() {
		q.since = q.until.Add(-statsSince)
	}
	if !q.since.Before(q.until) || q.until.Sub(q.since) > 400*24*time.Hour || q.since.Before(time.Unix(0, 0)) {
		return nil, badParam("since", q.Get("since"), "before until, by no more than 400 days")
	}
	width, err := bucketWidth(q.Get("bucket"), q.until.Sub(q.since))
	if err != nil {
		return nil, err
	}
	first := time.Unix(0, q.since.UnixNano()-q.since.UnixNano()%int64(width)) // Truncate counts from the year 1
	tallies, err := h.cfg.Store.Tally(r.Context(), runtime.TallyQuery{Recipe: q.Get("recipe"), Since: first, Until: q.until, Span: width})
	if err != nil {
		return nil, fmt.Errorf("counting runs: %w", err)
	}
	out := Stats{Since: first.UTC(), Until: q.until.UTC(), BucketMS: width.Milliseconds(), Runs: map[string]int64{}, Buckets: []StatsBucket{}}
	for at := first; at.Before(q.until); at = at.Add(width) {
		out.Buckets = append(out.Buckets, StatsBucket{At: at.UTC(), Runs: map[string]int64{}})
	}
	for _, t := range tallies {
		if i := int(t.At.Sub(first) / width); i >= 0 && i < len(out.Buckets) {
			out.Buckets[i].Runs[t.Status.String()] += t.Runs
			out.Runs[t.Status.String()] += t.Runs
		}
	}
	return out, nil
}

// bucketWidth reads a width, or chooses one.
func bucketWidth(asked string, of time.Duration) (time.Duration, error) {
	if asked == "" {
		for _, w := range statsWidths() {
			if of/w <= fewBuckets {
				return w, nil
			}
		}
		return statsWidths()[len(statsWidths())-1], nil
	}
	from, ok := since(asked, time.Unix(0, 0))
	w := time.Unix(0, 0).Sub(from)
	if !ok || w < runtime.TallySpan || w%runtime.TallySpan != 0 || of/w >= mostBuckets {
		return 0, badParam("bucket", asked, fmt.Sprintf("a multiple of %s, such as 15m or 1d, with no more than %d in the time", runtime.TallySpan, mostBuckets))
	}
	return w, nil
}
