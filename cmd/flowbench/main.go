// Command flowbench measures flowrun on the machine it runs on, beside a floor: the smallest hand-written Go program
// that does the same job. It starts both as processes of their own, in turns, with the same load and the same sink, so
// that what is quoted is a ratio of one run. All traffic stays on loopback.
//
//	go run ./cmd/flowbench accept     webhooks accepted per second, each durable before its 200
//	go run ./cmd/flowbench e2e        events per second from webhook to Customer.io call
//	go run ./cmd/flowbench steady     latency from webhook to call at a constant rate
//	go run ./cmd/flowbench recipes    one recipe against a thousand on the same event type
//	go run ./cmd/flowbench million    an empty store against one that holds a million events
//	go run ./cmd/flowbench start      start-up, memory, disk, reload, validate
//	go run ./cmd/flowbench all        all of these
//	go run ./cmd/flowbench waits      waits that are due in the same second; a restart with many waiting runs
//	go run ./cmd/flowbench soak       a steady load with a vendor that fails, and an account of every event
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/flowrun/flowrun/cmd/flowbench/floor"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "flowbench:", err)
		os.Exit(1)
	}
}

// bench is what the measurements share.
type bench struct {
	self    string // this binary, which is also the floor
	flowrun string
	dir     string
	pairs   int
	n       int
	conns   []int
	delays  []time.Duration
	rates   []float64
	lasts   time.Duration
	series  int64
	waits   int // runs that wait for the same second
	pending int // runs that wait through a restart
	soaks   time.Duration
	load    float64 // events per second of the soak

	spent map[bool][]float64 // µs of CPU per event of each run of the pair under way, by whether it is the floor
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("which measurement? accept, e2e, steady, recipes, million, start, all, waits or soak")
	}
	what := args[0]
	fs := flag.NewFlagSet("flowbench "+what, flag.ContinueOnError)
	if what == "floor" {
		var c floor.Config
		fs.StringVar(&c.Listen, "listen", "127.0.0.1:8080", "address")
		fs.StringVar(&c.Log, "log", "events.log", "file that events are appended to")
		fs.StringVar(&c.Secret, "secret", secret, "signing secret")
		fs.StringVar(&c.Sink, "sink", "", "base URL of the calls")
		fs.BoolVar(&c.Call, "call", false, "make the call")
		fs.IntVar(&c.Calls, "calls", 1024, "calls at a time")
		if err := fs.Parse(args[1:]); err != nil {
			return err
		}
		return floor.Run(ctx, c)
	}
	b := &bench{series: time.Now().Unix()}
	conns, delays, rates := "32,128,256", "0s,50ms", "100,500"
	fs.StringVar(&b.flowrun, "flowrun", "", "flowrun binary; built from ./cmd/flowrun where empty")
	fs.StringVar(&b.dir, "dir", "", "folder for stores, on the disk to be measured; a temporary one where empty")
	fs.IntVar(&b.pairs, "pairs", 5, "interleaved pairs")
	fs.IntVar(&b.n, "n", 20000, "events per run")
	fs.StringVar(&conns, "conns", conns, "connections")
	fs.StringVar(&delays, "delays", delays, "the sink's delays")
	fs.StringVar(&rates, "rates", rates, "events per second of steady")
	fs.DurationVar(&b.lasts, "for", 10*time.Second, "how long a steady run lasts")
	fs.IntVar(&b.waits, "due", 10_000, "runs of waits that are due in the same second")
	fs.IntVar(&b.pending, "waiting", 100_000, "runs of waits that wait while the server restarts")
	fs.DurationVar(&b.soaks, "soak", 10*time.Minute, "how long the soak's load lasts, at least 2m10s for an answer on memory")
	fs.Float64Var(&b.load, "load", 200, "events per second of the soak")
	if err := fs.Parse(args[1:]); err != nil {
		return err
	}
	if err := errors.Join(
		parseList(conns, &b.conns, strconv.Atoi),
		parseList(delays, &b.delays, time.ParseDuration),
		parseList(rates, &b.rates, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }),
	); err != nil {
		return err
	}
	clean, err := b.prepare(ctx)
	if err != nil {
		return err
	}
	defer clean()
	all := []struct {
		name string
		do   func(context.Context) error
		own  bool // it is no part of all
	}{
		{"accept", b.accept, false}, {"e2e", b.endToEnd, false}, {"steady", b.steady, false}, {"recipes", b.recipes, false},
		{"million", b.million, false}, {"start", b.startUp, false}, {"waits", b.dueWaits, true}, {"soak", b.soak, true},
	}
	found := false
	for _, m := range all {
		if what == m.name || what == "all" && !m.own {
			found = true
			if err := m.do(ctx); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
		}
	}
	if !found {
		return fmt.Errorf("no measurement is called %q", what)
	}
	return nil
}

func parseList[T any](s string, out *[]T, parse func(string) (T, error)) error {
	for part := range strings.SplitSeq(s, ",") {
		v, err := parse(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		*out = append(*out, v)
	}
	return nil
}

func (b *bench) prepare(ctx context.Context) (clean func(), err error) {
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp(b.dir, "flowbench-"); err != nil {
		return nil, err
	}
	clean = func() { os.RemoveAll(b.dir) }
	if b.flowrun == "" {
		b.flowrun = filepath.Join(b.dir, "flowrun")
		build := exec.CommandContext(ctx, "go", "build", "-o", b.flowrun, "./cmd/flowrun")
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		if err := build.Run(); err != nil {
			clean()
			return nil, fmt.Errorf("building flowrun: %w", err)
		}
	}
	return clean, nil
}

func (b *bench) nextSeries() int64 { b.series++; return b.series }
