package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const secret = "whsec_flowbench_0123456789abcdef"

// target is a server under load: flowrun or the floor.
type target struct {
	cmd     *exec.Cmd
	addr    string
	control string
	dir     string
	stderr  bytes.Buffer
	exited  chan error
}

// targetSpec says what to start.
type targetSpec struct {
	floor   bool
	call    bool // floor only: make the call
	sinkURL string
	recipes string // flowrun only: the folder
	store   string // flowrun only: a store to start from; empty for a new one
}

func (b *bench) start(ctx context.Context, spec targetSpec) (*target, error) {
	dir, err := os.MkdirTemp(b.dir, "flowbench-")
	if err != nil {
		return nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	t := &target{addr: addr, dir: dir, exited: make(chan error, 1)}
	if spec.floor {
		args := []string{"floor", "-listen", addr, "-log", filepath.Join(dir, "events.log"), "-secret", secret, "-sink", spec.sinkURL}
		if spec.call {
			args = append(args, "-call")
		}
		t.cmd = exec.Command(b.self, args...)
	} else {
		store := spec.store
		if store == "" {
			store = filepath.Join(dir, "flowrun.db")
		}
		if t.control, err = freeAddr(); err != nil {
			return nil, err
		}
		t.cmd = exec.Command(b.flowrun, "serve", "-listen", addr, "-control", t.control, "-store", "sqlite:"+store, "-log-level", "warn", spec.recipes)
		t.cmd.Env = append(os.Environ(),
			"STRIPE_WEBHOOK_SECRET="+secret, "STRIPE_API_KEY=sk_test_flowbench",
			"CUSTOMERIO_SITE_ID=site", "CUSTOMERIO_API_KEY=key", "CUSTOMERIO_TRACK_URL="+spec.sinkURL,
			"CUSTOMERIO_APP_KEY=key", "CUSTOMERIO_APP_URL="+spec.sinkURL)
	}
	t.cmd.Stderr = &t.stderr
	if err := t.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { t.exited <- t.cmd.Wait() }()
	if err := t.ready(ctx); err != nil {
		t.stop()
		return nil, err
	}
	return t, nil
}

// ready waits until the target takes webhooks.
func (t *target) ready(ctx context.Context) error {
	url := "http://" + t.addr + "/healthz"
	if t.control != "" {
		url = "http://" + t.control + "/readyz"
	}
	for {
		res, err := http.Get(url)
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-t.exited:
			t.exited <- err
			return fmt.Errorf("%s ended before it was ready: %w\n%s", t.cmd.Path, err, t.stderr.String())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// stop ends the target and removes what it wrote.
func (t *target) stop() {
	t.end()
	os.RemoveAll(t.dir)
}

func (t *target) end() {
	t.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-t.exited:
	case <-time.After(20 * time.Second):
		t.cmd.Process.Kill()
		<-t.exited
	}
}

// rss returns the target's resident memory in bytes.
func (t *target) rss() (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", t.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10, err
		}
	}
	return 0, errors.New("no VmRSS")
}

// onDisk returns the bytes of all files the target wrote.
func (t *target) onDisk() (n int64, err error) {
	err = filepath.WalkDir(t.dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}

func freeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

// project writes a folder of n recipes on charge.failed of which one matches, and returns its path.
func (b *bench) project(name string, n int, match bool) (string, error) {
	dir := filepath.Join(b.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for i := range n {
		condition := fmt.Sprintf("trigger.amount >= 5000 && trigger.customer != null && trigger.currency == %q", "usd")
		switch {
		case i > 0 && i%2 == 0:
			condition = fmt.Sprintf("trigger.amount >= %d && trigger.customer != null", 1_000_000+i)
		case i > 0:
			condition = fmt.Sprintf("trigger.customer == %q", fmt.Sprintf("cus_nobody%d", i))
		case !match:
			condition = "trigger.amount >= 5000000 && trigger.customer != null"
		}
		guard := ""
		if i > 0 && i%2 == 1 {
			guard = "filter \"known\" {\n  condition = trigger.customer != null\n}\n\n"
		}
		text := fmt.Sprintf("trigger \"stripe_charge_failed\" {}\n\nfilter \"wanted\" {\n  condition = %s\n}\n\n%saction \"customerio_track\" {\n  id   = trigger.customer\n  name = \"payment_failed\"\n  data = {\n    amount   = trigger.amount\n    currency = trigger.currency\n    reason   = coalesce(trigger.failure_message, \"unknown\")\n    event    = event.id\n  }\n}\n", condition, guard)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("recipe%04d.hcl", i)), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}
