package engine

import (
	"context"
	"errors"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime"
)

// state is what recipes keep between runs, in the engine's store and by its clock.
type state struct {
	store runtime.Store
	clock runtime.Clock
}

var _ connectors.State = state{}

// Get implements connectors.State.
func (s state) Get(ctx context.Context, name string) ([]byte, bool, error) {
	v, err := s.store.State(ctx, name, s.clock.Now())
	if errors.Is(err, runtime.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return v.Value, true, nil
}

// Set implements connectors.State.
func (s state) Set(ctx context.Context, name string, value []byte, ttl time.Duration) error {
	now := s.clock.Now()
	return s.store.SetState(ctx, name, &runtime.StateValue{Value: value, At: now, Expires: expiry(now, ttl)})
}

// Increment implements connectors.State.
func (s state) Increment(ctx context.Context, name, id string, by int64, ttl time.Duration) (int64, error) {
	now := s.clock.Now()
	return s.store.Increment(ctx, &runtime.Increment{Name: name, ID: id, By: by, At: now, Expires: expiry(now, ttl)})
}

func expiry(now time.Time, ttl time.Duration) time.Time {
	if ttl <= 0 {
		return time.Time{}
	}
	return now.Add(ttl)
}
