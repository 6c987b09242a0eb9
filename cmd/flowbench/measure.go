package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// inPairs measures two things in turns and returns the medians, the median ratio a/b and the ratios' range.
type pairResult struct {
	a, b, ratio, lo, hi float64
}

func (b *bench) inPairs(ctx context.Context, first, second func(context.Context) (float64, error)) (pairResult, error) {
	b.spent = map[bool][]float64{}
	var as, bs, ratios []float64
	for range b.pairs {
		x, err := first(ctx)
		if err != nil {
			return pairResult{}, err
		}
		y, err := second(ctx)
		if err != nil {
			return pairResult{}, err
		}
		as, bs, ratios = append(as, x), append(bs, y), append(ratios, x/y)
	}
	return pairResult{median(as), median(bs), median(ratios), slices.Min(ratios), slices.Max(ratios)}, nil
}

// cpu says what an event cost each side, start and stop included, in microseconds of CPU.
func (b *bench) cpu() string {
	return fmt.Sprintf("%.0f µs, floor %.0f µs", median(b.spent[false]), median(b.spent[true]))
}

func median(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	n := len(s)
	if n%2 == 1 {
		return s[n/2]
	}
	return (s[n/2-1] + s[n/2]) / 2
}

func quantile(ds []time.Duration, q float64) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(ds))
	return s[min(len(s)-1, int(float64(len(s))*q))]
}

// rateOf starts a target, runs a load and returns events per second: accepted, or arrived at the sink where calls are
// expected.
func (b *bench) rateOf(ctx context.Context, spec targetSpec, conns int, delay time.Duration, calls bool) (float64, error) {
	s, err := startSink(delay, b.n, false)
	if err != nil {
		return 0, err
	}
	defer s.close()
	spec.sinkURL = s.url
	t, err := b.start(ctx, spec)
	if err != nil {
		return 0, err
	}
	defer func() {
		t.stop()
		if ps := t.cmd.ProcessState; ps != nil {
			b.spent[spec.floor] = append(b.spent[spec.floor], float64(ps.UserTime()+ps.SystemTime())/float64(b.n)/1e3)
		}
	}()
	begin := time.Now()
	l := &load{addr: t.addr, secret: secret, conns: conns, n: b.n, amount: 12000, series: b.nextSeries()}
	res, err := l.run(ctx)
	if err != nil {
		return 0, fmt.Errorf("%w\n%s", err, t.stderr.String())
	}
	if res.refused > 0 {
		return 0, fmt.Errorf("%d webhooks were refused\n%s", res.refused, t.stderr.String())
	}
	if !calls {
		return float64(b.n) / res.took.Seconds(), nil
	}
	select {
	case <-s.reached:
		return float64(b.n) / time.Since(begin).Seconds(), nil
	case <-time.After(2 * time.Minute):
		return 0, fmt.Errorf("only %d of %d calls arrived\n%s", s.count.Load(), b.n, t.stderr.String())
	}
}

func (b *bench) accept(ctx context.Context) error {
	quiet, err := b.project("quiet", 1, false)
	if err != nil {
		return err
	}
	for _, conns := range b.conns {
		r, err := b.inPairs(ctx,
			func(ctx context.Context) (float64, error) {
				return b.rateOf(ctx, targetSpec{recipes: quiet}, conns, 0, false)
			},
			func(ctx context.Context) (float64, error) {
				return b.rateOf(ctx, targetSpec{floor: true}, conns, 0, false)
			})
		if err != nil {
			return err
		}
		fmt.Printf("accept, %3d connections:        flowrun %6.0f/s   floor %6.0f/s   share %.2f (%.2f–%.2f)   CPU %s\n", conns, r.a, r.b, r.ratio, r.lo, r.hi, b.cpu())
	}
	return nil
}

func (b *bench) endToEnd(ctx context.Context) error {
	one, err := b.project("one", 1, true)
	if err != nil {
		return err
	}
	for _, delay := range b.delays {
		r, err := b.inPairs(ctx,
			func(ctx context.Context) (float64, error) {
				return b.rateOf(ctx, targetSpec{recipes: one}, 64, delay, true)
			},
			func(ctx context.Context) (float64, error) {
				return b.rateOf(ctx, targetSpec{floor: true, call: true}, 64, delay, true)
			})
		if err != nil {
			return err
		}
		fmt.Printf("end to end, sink %4v:          flowrun %6.0f/s   floor %6.0f/s   share %.2f (%.2f–%.2f)   CPU %s\n", delay, r.a, r.b, r.ratio, r.lo, r.hi, b.cpu())
	}
	return nil
}

// latencyOf returns p50 and p99 from when an event was due to be sent to the arrival of its call.
func (b *bench) latencyOf(ctx context.Context, spec targetSpec, rate float64) (p50, p99 time.Duration, err error) {
	n := int(rate * b.lasts.Seconds())
	s, err := startSink(0, n, true)
	if err != nil {
		return 0, 0, err
	}
	defer s.close()
	spec.sinkURL = s.url
	t, err := b.start(ctx, spec)
	if err != nil {
		return 0, 0, err
	}
	defer t.stop()
	sent := make(map[string]time.Time, n)
	times := make(chan struct {
		id string
		at time.Time
	}, n)
	l := &load{addr: t.addr, secret: secret, conns: 32, n: n, rate: rate, amount: 12000, series: b.nextSeries(),
		onSend: func(id string, at time.Time) {
			times <- struct {
				id string
				at time.Time
			}{id, at}
		}}
	if _, err := l.run(ctx); err != nil {
		return 0, 0, err
	}
	select {
	case <-s.reached:
	case <-time.After(30 * time.Second):
		return 0, 0, fmt.Errorf("only %d of %d calls arrived", s.count.Load(), n)
	}
	close(times)
	for x := range times {
		sent[x.id] = x.at
	}
	ds := make([]time.Duration, 0, n)
	for id, at := range s.arrived {
		ds = append(ds, at.Sub(sent[id]))
	}
	return quantile(ds, 0.5), quantile(ds, 0.99), nil
}

func (b *bench) steady(ctx context.Context) error {
	one, err := b.project("one", 1, true)
	if err != nil {
		return err
	}
	for _, rate := range b.rates {
		var ours, floors [2][]float64
		var ratios [2][]float64
		for range b.pairs {
			a50, a99, err := b.latencyOf(ctx, targetSpec{recipes: one}, rate)
			if err != nil {
				return err
			}
			f50, f99, err := b.latencyOf(ctx, targetSpec{floor: true, call: true}, rate)
			if err != nil {
				return err
			}
			for i, pair := range [2][2]time.Duration{{a50, f50}, {a99, f99}} {
				ours[i] = append(ours[i], float64(pair[0]))
				floors[i] = append(floors[i], float64(pair[1]))
				ratios[i] = append(ratios[i], float64(pair[0])/float64(pair[1]))
			}
		}
		for i, q := range []string{"p50", "p99"} {
			fmt.Printf("steady %3.0f/s, %s:              flowrun %8v   floor %8v   ratio %.2f (%.2f–%.2f)\n", rate, q,
				time.Duration(median(ours[i])).Round(10*time.Microsecond), time.Duration(median(floors[i])).Round(10*time.Microsecond),
				median(ratios[i]), slices.Min(ratios[i]), slices.Max(ratios[i]))
		}
	}
	return nil
}

func (b *bench) recipes(ctx context.Context) error {
	one, err := b.project("one", 1, true)
	if err != nil {
		return err
	}
	thousand, err := b.project("thousand", 1000, true)
	if err != nil {
		return err
	}
	r, err := b.inPairs(ctx,
		func(ctx context.Context) (float64, error) {
			return b.rateOf(ctx, targetSpec{recipes: one}, 64, 0, true)
		},
		func(ctx context.Context) (float64, error) {
			return b.rateOf(ctx, targetSpec{recipes: thousand}, 64, 0, true)
		})
	if err != nil {
		return err
	}
	fmt.Printf("1 recipe against 1,000:         one %10.0f/s   1,000 %6.0f/s   cost %.2f (%.2f–%.2f)\n", r.a, r.b, r.ratio, r.lo, r.hi)
	return nil
}

func (b *bench) million(ctx context.Context) error {
	one, err := b.project("one", 1, true)
	if err != nil {
		return err
	}
	quiet, err := b.project("quiet", 1, false)
	if err != nil {
		return err
	}
	full := filepath.Join(b.dir, "million.db")
	s, err := startSink(0, 1, false)
	if err != nil {
		return err
	}
	defer s.close()
	t, err := b.start(ctx, targetSpec{recipes: quiet, store: full, sinkURL: s.url})
	if err != nil {
		return err
	}
	l := &load{addr: t.addr, secret: secret, conns: 128, n: 1_000_000, amount: 12000, series: b.nextSeries()}
	res, err := l.run(ctx)
	t.end()
	os.RemoveAll(t.dir)
	if err != nil {
		return err
	}
	info, err := os.Stat(full)
	if err != nil {
		return err
	}
	fmt.Printf("a million events stored:        %d accepted in %v, %.0f bytes each\n", res.accepted, res.took.Round(time.Second), float64(info.Size())/1e6)
	r, err := b.inPairs(ctx,
		func(ctx context.Context) (float64, error) {
			return b.rateOf(ctx, targetSpec{recipes: one, store: full}, 64, 0, true)
		},
		func(ctx context.Context) (float64, error) {
			return b.rateOf(ctx, targetSpec{recipes: one}, 64, 0, true)
		})
	if err != nil {
		return err
	}
	fmt.Printf("a million events against none:  full %9.0f/s   empty %6.0f/s   share %.2f (%.2f–%.2f)\n", r.a, r.b, r.ratio, r.lo, r.hi)
	return nil
}
