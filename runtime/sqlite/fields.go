package sqlite

import (
	"context"

	"github.com/flowrun/flowrun/runtime"
)

func (s *Store) AddFields(ctx context.Context, upTo int64, events []runtime.EventFields) error {
	return s.alive(ctx)
}
func (s *Store) FieldsTo(ctx context.Context) (int64, error) { return 0, s.alive(ctx) }
