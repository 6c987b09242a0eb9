package runtimetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

func TestClock(t *testing.T) {
	c := NewClock(origin)
	at1, _ := c.After(time.Second)
	at3, release3 := c.After(3 * time.Second)
	at2, _ := c.After(2 * time.Second)
	if d, ok := c.NextTimer(); !ok || d != time.Second || c.Timers() != 3 {
		t.Errorf("next is %v, %v of %d", d, ok, c.Timers())
	}
	fired := func(ch <-chan time.Time) bool {
		select {
		case now := <-ch:
			if !now.Equal(c.Now()) {
				t.Errorf("fired at %v, it is %v", now, c.Now())
			}
			return true
		default:
			return false
		}
	}
	c.Advance(time.Second - 1)
	if fired(at1) {
		t.Error("a timer fired early")
	}
	c.Advance(1)
	if !fired(at1) || fired(at2) {
		t.Error("not the first timer alone fired")
	}
	release3()
	release3()
	c.Advance(time.Hour)
	if !fired(at2) || fired(at3) || c.Timers() != 0 {
		t.Error("a released timer fired, or another did not")
	}
	now, _ := c.After(0)
	if !fired(now) {
		t.Error("a timer of no time did not fire at once")
	}
	if _, ok := c.NextTimer(); ok {
		t.Error("a timer is left")
	}
	if want := origin.Add(time.Second + time.Hour); !c.Now().Equal(want) {
		t.Errorf("it is %v, want %v", c.Now(), want)
	}
}

func TestClockWaitTimers(t *testing.T) {
	c := NewClock(origin)
	go func() {
		for range 3 {
			c.After(time.Second)
		}
	}()
	if err := c.WaitTimers(t.Context(), 3); err != nil || c.Timers() != 3 {
		t.Errorf("%d timers, %v", c.Timers(), err)
	}
	if err := c.WaitTimers(canceled(t), 4); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	var _ runtime.Clock = c
}
