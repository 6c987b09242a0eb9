package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/control"
)

// interruptible ends ctx at an interrupt.
func (m *Main) interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	if m.Signals == nil {
		return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-m.Signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// tail prints runs as the server tells of them. Those that a filter on fields leaves out are asked for one by one,
// since the stream knows nothing of events.
func (m *Main) tail(ctx context.Context, r *remote, q control.RunFilter) error {
	if q.Status != "" {
		if _, ok := runtime.ParseRunStatus(q.Status); !ok {
			return usagef("runs tail: there is no status %q", q.Status)
		}
	}
	c := r.client(m)
	err := c.Tail(ctx, func(run *control.Run, missed int) error {
		if run == nil {
			fmt.Fprintln(m.Stderr, "runs are shown as they end or begin to wait; an interrupt ends it")
			return nil
		}
		if missed > 0 {
			fmt.Fprintf(m.Stderr, "%s not shown: there were too many\n", plural(missed, "run"))
		}
		if q.Recipe != "" && run.Recipe != q.Recipe || q.Status != "" && run.Status != q.Status {
			return nil
		}
		if len(q.Where) > 0 {
			page, err := c.Runs(ctx, control.RunFilter{Event: run.EventID, Recipe: run.Recipe, Where: q.Where})
			if err != nil {
				return err
			}
			if len(page.Runs) == 0 {
				return nil
			}
		}
		if r.asJSON {
			return printJSON(m.Stdout, run)
		}
		fmt.Fprintf(m.Stdout, "%s  %s  %s  %s %s  %s\n", when(run.StartedAt), run.Status, run.Recipe, run.EventType, run.EventID, why(run))
		return nil
	})
	switch {
	case errors.Is(err, context.Canceled):
		return nil
	case err == nil:
		return errors.New("the server has stopped")
	}
	return err
}
