package engine

import (
	"math/rand/v2"
	"testing"
	"time"
)

// bucket is what the algorithm stands for, counted: tokens drip in one for each interval up to the burst, and each that
// goes takes one. Tokens are counted in nanoseconds of an interval.
type bucket struct {
	pace  pace
	level time.Duration
	at    time.Time
}

func newBucket(p pace, now time.Time) *bucket {
	return &bucket{pace: p, level: time.Duration(p.burst) * p.every, at: now}
}

func (b *bucket) fill(now time.Time) {
	b.level = min(b.level+now.Sub(b.at), time.Duration(b.pace.burst)*b.pace.every)
	b.at = now
}

func (b *bucket) take(now time.Time) bool {
	b.fill(now)
	if b.level < b.pace.every {
		return false
	}
	b.level -= b.pace.every
	return true
}

func TestPaceIsABucketOfTokens(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		p := paceOf(1+rnd.IntN(5), time.Duration(1+rnd.IntN(100))*time.Second, rnd.IntN(4))
		b, now, tat := newBucket(p, start), start, time.Time{}
		for i := range 300 {
			now = now.Add(time.Duration(rnd.Int64N(int64(2 * p.every))))
			at, after := p.next(tat, now)
			if got, want := at.Equal(now), b.take(now); got != want {
				t.Fatalf("seed %d, event %d: let through %v, the bucket says %v", seed, i, got, want)
			} else if got {
				tat = after
			}
		}
	}
}

func TestPaceKeepsPlacesInTheQueue(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		p := paceOf(1+rnd.IntN(5), time.Duration(1+rnd.IntN(100))*time.Second, rnd.IntN(4))
		now, tat := start, time.Time{}
		var starts []time.Time
		for range 100 {
			now = now.Add(time.Duration(rnd.Int64N(int64(p.every))))
			var at time.Time
			at, tat = p.next(tat, now)
			starts = append(starts, at)
		}
		b := newBucket(p, start)
		for i, at := range starts {
			if i > 0 && at.Before(starts[i-1]) {
				t.Fatalf("seed %d: %d starts before the one in front of it", seed, i)
			}
			if !b.take(at) {
				t.Fatalf("seed %d: the bucket does not let %d through at its time", seed, i)
			}
		}
	}
}

func TestPaceOf(t *testing.T) {
	for name, c := range map[string]struct {
		got, want pace
	}{
		"one an hour":      {paceOf(1, time.Hour, 0), pace{time.Hour, 1}},
		"several":          {paceOf(4, time.Minute, 0), pace{15 * time.Second, 4}},
		"and more at once": {paceOf(2, 6*time.Second, 1), pace{3 * time.Second, 3}},
		"beyond the clock": {paceOf(1<<40, time.Second, 0), pace{1, 1 << 40}},
	} {
		if c.got != c.want {
			t.Errorf("%s: %+v, want %+v", name, c.got, c.want)
		}
	}
}
