package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

var errFlow = errors.ErrUnsupported

func (s *Store) Queued(context.Context, string, int) ([]*runtime.Run, error) { return nil, errFlow }
func (s *Store) InLanes(context.Context, int64, int) ([]*runtime.Run, error) { return nil, nil }
func (s *Store) Awaited(context.Context) ([]runtime.Await, error)            { return nil, nil }
func (s *Store) Mark(context.Context, string) (*runtime.Mark, error)         { return nil, errFlow }
func (s *Store) Pause(context.Context, *runtime.Pause) error                 { return errFlow }
func (s *Store) Resume(context.Context, string) error                        { return errFlow }
func (s *Store) Pauses(context.Context) ([]*runtime.Pause, error)            { return nil, nil }
func (s *Store) Held(context.Context, string, int) ([]*runtime.Run, error)   { return nil, errFlow }
func (s *Store) State(context.Context, string, time.Time) (*runtime.StateValue, error) {
	return nil, errFlow
}
func (s *Store) SetState(context.Context, string, *runtime.StateValue) error   { return errFlow }
func (s *Store) Increment(context.Context, *runtime.Increment) (int64, error)  { return 0, errFlow }
func (s *Store) AddFields(context.Context, int64, []runtime.EventFields) error { return errFlow }
func (s *Store) FieldsTo(context.Context) (int64, error)                       { return 0, nil }
func (s *Store) RecipeCounts(context.Context) ([]runtime.RecipeCount, error)   { return nil, nil }
func (s *Store) Expire(context.Context, time.Time) (int, error) { return 0, nil }
