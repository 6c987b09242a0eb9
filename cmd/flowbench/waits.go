package main

// Waits are rows: how fast do many that are due at once go on, and what do those that are not due cost a server that
// starts?

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/flowrun/flowrun/runtime/control"
)

// waitUntil is a recipe whose runs are due within the second that begins at a time: at its millisecond that the amount says.
const waitUntil = `trigger "stripe_charge_failed" {}

wait "due" {
  until = "%s.${format("%%03d", trigger.amount)}Z"
}

action "customerio_track" "woken" {
  id   = coalesce(trigger.customer, "nobody")
  name = "woken"
  data = {
    event = event.id
  }
}
`

func (b *bench) dueWaits(ctx context.Context) error {
	return errors.Join(b.dueAtOnce(ctx), b.restartWaiting(ctx))
}

func (b *bench) waitProject(name string, at time.Time) (string, error) {
	dir := filepath.Join(b.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	text := fmt.Sprintf(waitUntil, at.UTC().Format("2006-01-02T15:04:05"))
	return dir, os.WriteFile(filepath.Join(dir, "waiting.hcl"), []byte(text), 0o644)
}

// waitingRuns fills a server with waiting runs, and returns once all of them are recorded.
func (b *bench) waitingRuns(ctx context.Context, t *target, n int) (series int64, err error) {
	series = b.nextSeries()
	l := &load{addr: t.addr, secret: secret, conns: 64, n: n, series: series, write: func(w *bytes.Buffer, i int64, id string, at time.Time) {
		writeEvent(w, id, at, dueMillisecond(i))
	}}
	res, err := l.run(ctx)
	if err != nil {
		return 0, err
	}
	if res.refused > 0 {
		return 0, fmt.Errorf("%d events were refused", res.refused)
	}
	c := control.NewClient("http://"+t.control, "")
	for {
		s, err := c.Status(ctx)
		if err != nil {
			return 0, err
		}
		if s.StoreCounts.Undecided == 0 && s.StoreCounts.Runs["waiting"] >= int64(n) {
			return series, nil
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return 0, err
		}
	}
}

// dueMillisecond spreads events over a second, in another order than that in which they come.
func dueMillisecond(i int64) int64 { return i * 7919 % 1000 }

func (b *bench) dueAtOnce(ctx context.Context) error {
	due := time.Now().Add(30*time.Second + time.Duration(b.waits)*time.Millisecond).Truncate(time.Second)
	dir, err := b.waitProject("due", due)
	if err != nil {
		return err
	}
	s, err := startSink(0, b.waits, true)
	if err != nil {
		return err
	}
	defer s.close()
	t, err := b.start(ctx, targetSpec{recipes: dir, sinkURL: s.url})
	if err != nil {
		return err
	}
	defer t.stop()
	series, err := b.waitingRuns(ctx, t, b.waits)
	if err != nil {
		return err
	}
	if time.Now().After(due) {
		return errors.New("the runs were not all waiting when the first was due; this machine is too slow for so many")
	}
	select {
	case <-s.reached:
	case <-time.After(time.Until(due) + 2*time.Minute):
		return fmt.Errorf("only %d of %d have woken", s.count.Load(), b.waits)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var last time.Time
	var late []time.Duration
	bySlot := make([]time.Time, 1000) // the last arrival of each millisecond's
	for i := range int64(b.waits) {
		at := s.arrived[eventID(series, i)]
		ms := dueMillisecond(i)
		late = append(late, at.Sub(due.Add(time.Duration(ms)*time.Millisecond)))
		if at.After(last) {
			last = at
		}
		if at.After(bySlot[ms]) {
			bySlot[ms] = at
		}
	}
	overtaken := time.Duration(0) // by how long a call came after one that was due later, at the most
	for i := range int64(b.waits) {
		at, ms := s.arrived[eventID(series, i)], dueMillisecond(i)
		for earlier := max(0, ms-200); earlier < ms-20; earlier++ {
			overtaken = max(overtaken, bySlot[earlier].Sub(at))
		}
	}
	fmt.Printf("%d waits due in one second:   all woke %v after its start; late p50 %v, p99 %v; out of order by at most %v; %d repeats\n",
		b.waits, last.Sub(due).Round(10*time.Millisecond), quantile(late, 0.5).Round(time.Millisecond), quantile(late, 0.99).Round(time.Millisecond),
		overtaken.Round(time.Millisecond), s.repeats)
	return nil
}

func (b *bench) restartWaiting(ctx context.Context) error {
	dir, err := b.waitProject("waiting", time.Now().Add(30*24*time.Hour))
	if err != nil {
		return err
	}
	s, err := startSink(0, 1, false)
	if err != nil {
		return err
	}
	defer s.close()
	store := filepath.Join(b.dir, "waiting.db")
	measure := func(what string) (t *target, err error) {
		begin := time.Now()
		if t, err = b.start(ctx, targetSpec{recipes: dir, store: store, sinkURL: s.url}); err != nil {
			return nil, err
		}
		ready := time.Since(begin)
		if err := sleep(ctx, 5*time.Second); err != nil {
			t.stop()
			return nil, err
		}
		rss, err := t.rss()
		if err != nil {
			t.stop()
			return nil, err
		}
		fmt.Printf("start with %s:  ready after %v, %.0f MB after 5 s\n", what, ready.Round(time.Millisecond), float64(rss)/1e6)
		return t, nil
	}
	t, err := measure("no runs             ")
	if err != nil {
		return err
	}
	_, err = b.waitingRuns(ctx, t, b.pending)
	full, rssErr := t.rss()
	t.stop()
	if err := errors.Join(err, rssErr); err != nil {
		return err
	}
	fmt.Printf("%d runs wait:               %.0f MB\n", b.pending, float64(full)/1e6)
	if t, err = measure(fmt.Sprintf("%d waiting runs", b.pending)); err != nil {
		return err
	}
	t.stop()
	return nil
}
