package control

import (
	"encoding/json"
	"testing"
	"time"
)

func TestStats(t *testing.T) {
	h := New(config(records(t)))
	ask := func(query string) Stats {
		t.Helper()
		var s Stats
		w := ask(h, "GET", "/api/v1/stats"+query, "")
		if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || w.Code != 200 {
			t.Fatalf("%s answers %d %s", query, w.Code, w.Body)
		}
		return s
	}
	for query, want := range map[string]struct {
		width   time.Duration
		buckets int
	}{
		"":                      {15 * time.Minute, 96},
		"?since=2h":             {5 * time.Minute, 24},
		"?since=7d":             {2 * time.Hour, 85},
		"?since=390d":           {7 * 24 * time.Hour, 56},
		"?since=1d&bucket=1h":   {time.Hour, 25},
		"?since=1d&bucket=1d":   {24 * time.Hour, 2},
		"?since=3h&recipe=none": {5 * time.Minute, 36},
	} {
		s := ask(query)
		if s.BucketMS != want.width.Milliseconds() || len(s.Buckets) != want.buckets {
			t.Errorf("%q has %d buckets of %s, want %d of %s", query, len(s.Buckets), time.Duration(s.BucketMS)*time.Millisecond, want.buckets, want.width)
		}
		sums := map[string]int64{}
		for i, b := range s.Buckets {
			if b.At.UnixMilli()%s.BucketMS != 0 || i > 0 && b.At.Sub(s.Buckets[i-1].At) != want.width {
				t.Errorf("%q has a bucket at %s", query, b.At)
			}
			for status, n := range b.Runs {
				sums[status] += n
			}
		}
		completed, failed := int64(3), int64(1)
		if query == "?since=3h&recipe=none" {
			completed, failed = 0, 0
		}
		if s.Runs["completed"] != completed || s.Runs["failed"] != failed || sums["completed"] != completed || sums["failed"] != failed {
			t.Errorf("%q counts %v, and %v in its buckets", query, s.Runs, sums)
		}
		if !s.Since.Equal(s.Buckets[0].At) {
			t.Errorf("%q begins at %s, its first bucket at %s", query, s.Since, s.Buckets[0].At)
		}
	}
	// What is before and behind the time is not counted.
	if s := ask("?since=2026-11-03T02:00:00Z&until=2026-11-03T02:00:30Z"); len(s.Buckets) != 1 {
		t.Errorf("%+v", s)
	}
	if s := ask("?since=60m"); s.Runs["completed"] != 0 {
		t.Errorf("an hour counts %v", s.Runs)
	}
}
