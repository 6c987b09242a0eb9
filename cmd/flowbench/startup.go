package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// startUp measures what is not a rate: start-up, memory, disk, reload, and the checker's CPU.
func (b *bench) startUp(ctx context.Context) error {
	var version []float64
	for range 10 {
		begin := time.Now()
		if err := exec.CommandContext(ctx, b.flowrun, "version").Run(); err != nil {
			return err
		}
		version = append(version, float64(time.Since(begin)))
	}
	fmt.Printf("flowrun version:                %v\n", time.Duration(median(version)).Round(100*time.Microsecond))

	thousand, err := b.project("thousand", 1000, true)
	if err != nil {
		return err
	}
	validate := exec.CommandContext(ctx, b.flowrun, "validate", thousand)
	out, err := validate.CombinedOutput()
	if err != nil {
		return fmt.Errorf("validate: %w\n%s", err, out)
	}
	ps := validate.ProcessState
	fmt.Printf("validate of 1,000 recipes:      %v of CPU\n", (ps.UserTime() + ps.SystemTime()).Round(time.Millisecond))

	one, err := b.project("reloaded", 1, true)
	if err != nil {
		return err
	}
	const n = 100_000
	s, err := startSink(0, n+1, false)
	if err != nil {
		return err
	}
	defer s.close()
	begin := time.Now()
	t, err := b.start(ctx, targetSpec{recipes: one, sinkURL: s.url})
	if err != nil {
		return err
	}
	defer t.stop()
	first := &load{addr: t.addr, secret: secret, conns: 1, n: 1, amount: 12000, series: b.nextSeries()}
	if _, err := first.run(ctx); err != nil {
		return err
	}
	fmt.Printf("serve to first accepted event:  %v\n", time.Since(begin).Round(time.Millisecond))
	if err := sleep(ctx, 2*time.Second); err != nil {
		return err
	}
	idle, err := t.rss()
	if err != nil {
		return err
	}
	fmt.Printf("idle memory:                    %.0f MB\n", float64(idle)/1e6)

	l := &load{addr: t.addr, secret: secret, conns: 64, n: n, amount: 12000, series: b.nextSeries()}
	if _, err := l.run(ctx); err != nil {
		return err
	}
	select {
	case <-s.reached:
	case <-time.After(2 * time.Minute):
		return fmt.Errorf("only %d of %d calls arrived", s.count.Load(), n)
	}
	if err := sleep(ctx, 2*time.Second); err != nil {
		return err
	}
	after, err := t.rss()
	if err != nil {
		return err
	}
	fmt.Printf("memory after 100,000 events:    %.0f MB\n", float64(after)/1e6)

	live, err := b.reload(ctx, t, one)
	if err != nil {
		return err
	}
	fmt.Printf("a changed file is live after:   %v\n", live.Round(time.Millisecond))

	t.end()
	disk, err := t.onDisk()
	if err != nil {
		return err
	}
	fmt.Printf("disk per finished event:        %.0f bytes of an event of %d\n", float64(disk)/n, eventSize())
	return nil
}

// reload changes the recipe and asks the control door until the server runs the change.
func (b *bench) reload(ctx context.Context, t *target, dir string) (time.Duration, error) {
	path := filepath.Join(dir, "recipe0000.hcl")
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	before, err := digestOf(t)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := os.WriteFile(path, append(text, "\n# changed\n"...), 0o644); err != nil {
		return 0, err
	}
	for time.Since(begin) < 10*time.Second {
		now, err := digestOf(t)
		if err != nil {
			return 0, err
		}
		if now != before {
			return time.Since(begin), nil
		}
		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("the change was not live after 10 s")
}

// digestOf returns the program being served, as the control door names it.
func digestOf(t *target) (string, error) {
	res, err := http.Get("http://" + t.control + "/api/v1/status")
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return programIn(body), err
}

// programIn finds the digest in a status answer.
func programIn(body []byte) string {
	var status struct {
		Engine struct {
			Program string `json:"program"`
		} `json:"engine"`
	}
	if json.Unmarshal(body, &status) != nil {
		return ""
	}
	return status.Engine.Program
}

func eventSize() int {
	var b bytes.Buffer
	writeEvent(&b, eventID(1, 1), time.Now(), 12000)
	return b.Len()
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
