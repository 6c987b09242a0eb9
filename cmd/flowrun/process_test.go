package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"time"
)

// patience is how long a test waits for what must happen. It decides nothing but when a broken test ends.
const patience = 30 * time.Second

// process is a flowrun in the background.
type process struct {
	cmd  *exec.Cmd
	out  *watched // standard output
	err  *watched
	done chan struct{} // closed when it has ended
	code int           // then; -1 for a signal
}

// startProcess starts this test binary as flowrun.
func startProcess(dir string, env []string, args ...string) (*process, error) {
	path, err := exec.LookPath("flowrun")
	if err != nil {
		return nil, err
	}
	return startProgram(path, dir, env, args...)
}

// startProgram starts a build of flowrun that lies elsewhere.
func startProgram(path, dir string, env []string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(path, args...), out: newWatched(), err: newWatched(), done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = dir, env
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.err
	p.cmd.WaitDelay = patience
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		err := p.cmd.Wait()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			fmt.Fprintf(p.err, "waiting for the process: %v\n", err)
		}
		p.code = p.cmd.ProcessState.ExitCode()
		close(p.done)
		p.out.end()
		p.err.end()
	}()
	return p, nil
}

// wait waits for the end.
func (p *process) wait() error {
	select {
	case <-p.done:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("it does not end\n%s%s", p.out, p.err)
	}
}

func (p *process) signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

var servingLine = regexp.MustCompile(`flowrun: serving .*; (?:no webhooks|webhooks on (http://[^/]+)/webhooks/\S+), control on (http://\S+)`)

// ready waits for the line that says what is served, and returns the addresses in it.
func (p *process) ready() (webhooks, control string, err error) {
	if err := p.out.await(servingLine); err != nil {
		return "", "", fmt.Errorf("it is not ready: %w\n%s%s", err, p.out, p.err)
	}
	m := servingLine.FindStringSubmatch(p.out.String())
	return m[1], m[2], nil
}

// watched is a buffer that can be waited for.
type watched struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	grown chan struct{} // closed and replaced when something is written
	over  bool
}

func newWatched() *watched { return &watched{grown: make(chan struct{})} }

var _ io.Writer = (*watched)(nil)

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.grown)
	w.grown = make(chan struct{})
	return w.buf.Write(b)
}

func (w *watched) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	close(w.grown)
	w.grown = make(chan struct{})
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

// await waits until the pattern is in the buffer.
func (w *watched) await(pattern *regexp.Regexp) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		w.mu.Lock()
		found, over, grown := pattern.Match(w.buf.Bytes()), w.over, w.grown
		w.mu.Unlock()
		switch {
		case found:
			return nil
		case over:
			return fmt.Errorf("the process has ended and %s never came", pattern)
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return fmt.Errorf("%s never came", pattern)
		}
	}
}
