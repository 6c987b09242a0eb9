package engine

import (
	"errors"
	"fmt"
)

// ErrRefused is wrapped by the errors of what can't be done as things stand; their text says why, to people.
var ErrRefused = errors.New("refused")

// refusal is an error that wraps ErrRefused without saying so twice.
type refusal struct{ reason string }

func (r *refusal) Error() string { return r.reason }
func (r *refusal) Unwrap() error { return ErrRefused }

func refuse(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

func isRefused(err error) bool { return errors.Is(err, ErrRefused) }
