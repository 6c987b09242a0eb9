package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/all"
)

// wrappedRegistry returns all services, each caller wrapped.
func wrappedRegistry(wrap func(*connectors.Action, connectors.Caller) connectors.Caller) (*connectors.Registry, error) {
	specs := all.Specs() // made anew: they are ours to change
	for _, s := range specs {
		s.Wrap(wrap)
	}
	r, err := connectors.NewRegistry(specs...)
	if err != nil {
		return nil, fmt.Errorf("listing the services: %w", err)
	}
	return r, nil
}

// quietRegistry returns all services, whose failures are without secrets, whatever a vendor repeats in its message: a
// caller knows the secrets of its own connection only, and what it says is stored.
func quietRegistry(hide func(string) string) (*connectors.Registry, error) {
	return wrappedRegistry(func(_ *connectors.Action, inner connectors.Caller) connectors.Caller {
		return connectors.Func(func(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
			res, err := inner.Call(ctx, c)
			if err == nil {
				return res, nil
			}
			e := *connectors.AsError(err)
			e.Message, e.Code = hide(e.Message), hide(e.Code)
			return res, &e
		})
	})
}

// secrets are values that must not be shown. Unlike telemetry's Redactor it leaves addresses of people in: whoever
// runs a recipe by hand wants to see what would be sent.
type secrets []string

func (s secrets) hide(text string) string {
	for _, v := range s {
		if len(v) > 3 {
			text = strings.ReplaceAll(strings.ReplaceAll(text, v, "[redacted]"), url.QueryEscape(v), "[redacted]")
		}
	}
	return text
}
