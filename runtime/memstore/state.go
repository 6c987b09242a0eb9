package memstore

import (
	"bytes"
	"context"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// counter is what has been added under one name.
type counter struct {
	settled int64 // of increments whose IDs are forgotten
	items   map[string]*runtime.Increment
}

func expired(expires, now time.Time) bool { return !expires.IsZero() && !expires.After(now) }

// State implements runtime.Store.
func (s *Store) State(ctx context.Context, name string, now time.Time) (*runtime.StateValue, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	v := s.state[name]
	if v == nil || expired(v.Expires, now) {
		return nil, runtime.ErrNotFound
	}
	return copyState(v), nil
}

func copyState(v *runtime.StateValue) *runtime.StateValue {
	return &runtime.StateValue{Value: bytes.Clone(v.Value), At: utc(v.At), Expires: utc(v.Expires)}
}

// SetState implements runtime.Store.
func (s *Store) SetState(ctx context.Context, name string, v *runtime.StateValue) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.state[name] = copyState(v)
	return nil
}

// Increment implements runtime.Store.
func (s *Store) Increment(ctx context.Context, i *runtime.Increment) (int64, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	c := s.counters[i.Name]
	if c == nil {
		c = &counter{items: map[string]*runtime.Increment{}}
		s.counters[i.Name] = c
	}
	if c.items[i.ID] == nil {
		kept := *i
		kept.At, kept.Expires = utc(i.At), utc(i.Expires)
		c.items[i.ID] = &kept
	}
	sum := c.settled
	for _, item := range c.items {
		if !expired(item.Expires, i.At) {
			sum += item.By
		}
	}
	return sum, nil
}

// Expire implements runtime.Store.
func (s *Store) Expire(ctx context.Context, now time.Time) (n int, err error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	for key, m := range s.marks {
		if expired(m.Expires, now) {
			delete(s.marks, key)
			n++
		}
	}
	for name, v := range s.state {
		if expired(v.Expires, now) {
			delete(s.state, name)
			n++
		}
	}
	n += s.expireSpent(now)
	for name, c := range s.counters {
		for id, item := range c.items {
			gone := expired(item.Expires, now)
			if item.At.After(now.Add(-runtime.CountedFor)) || !gone && !item.Expires.IsZero() {
				continue
			}
			if !gone {
				c.settled += item.By
			}
			delete(c.items, id)
			n++
		}
		if len(c.items) == 0 && c.settled == 0 {
			delete(s.counters, name)
		}
	}
	return n, nil
}
