package connectortest_test

// A contract is worth what it refuses. Each fault below is a good service spoiled in one way; the test runs the
// contract on it in a process of its own, since a *testing.T that has failed can't be made whole again.

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest"
	"github.com/flowrun/flowrun/lang/schema"
)

// good is a service that keeps the contract.
func good() (*connectors.Spec, *connectors.Action, *connectors.HTTP) {
	text := schema.Type{Kind: schema.KindString}
	token := connectors.Setting{Env: "VENDOR_TOKEN", Field: schema.Field{Name: "token", Doc: "Token", Type: text, Secret: true, Example: `"tok_1"`}}
	h := &connectors.HTTP{
		Method: http.MethodPost, Path: "/do/{id}", Requires: []connectors.Setting{token}, KeyHeader: "Idempotency-Key",
		Base: func(*connectors.Conn) string { return "https://vendor.example" },
		Auth: func(c *connectors.Conn, r *http.Request) { r.Header.Set("Authorization", "Bearer "+c.Setting("token")) },
		Problem: func(_ int, _ http.Header, body []byte) (string, string) {
			return string(body), ""
		},
	}
	a := &connectors.Action{Call: h, Example: `{"id":"1"}`, Answer: `{"id":"2"}`, Action: schema.Action{
		Name: "vendor_do", Service: "vendor", Doc: "Do it", Effect: schema.Keyed,
		In:  schema.NewObject("do", schema.Field{Name: "id", Doc: "Id", Type: text, Required: true}),
		Out: schema.NewObject("done", schema.Field{Name: "id", Doc: "Id", Type: text, Required: true}),
	}}
	return &connectors.Spec{Name: "vendor", Title: "Vendor", Doc: "Does it", Settings: []connectors.Setting{token},
		Actions: []*connectors.Action{a}}, a, h
}

type fault struct {
	spoil func(*connectors.Spec, *connectors.Action, *connectors.HTTP)
	want  string
}

func around(a *connectors.Action, change func(connectors.Result, *connectors.Error) error) {
	inner := a.Call
	a.Call = connectors.Func(func(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
		res, err := inner.Call(ctx, c)
		if err == nil {
			return res, nil
		}
		return res, change(res, connectors.AsError(err))
	})
}

func faults() map[string]fault {
	type (
		S = connectors.Spec
		A = connectors.Action
		H = connectors.HTTP
	)
	return map[string]fault{
		"prefix":            {func(_ *S, a *A, _ *H) { a.Name = "other_do" }, "after vendor_"},
		"service":           {func(_ *S, a *A, _ *H) { a.Service = "other" }, `want "vendor"`},
		"doc":               {func(_ *S, a *A, _ *H) { a.Doc = "" }, "has no doc"},
		"two lines":         {func(_ *S, a *A, _ *H) { a.Doc = "one\ntwo" }, "not one clean line"},
		"effect":            {func(_ *S, a *A, _ *H) { a.Effect = 0 }, "no effect"},
		"call":              {func(_ *S, a *A, _ *H) { a.Call = nil }, "no call"},
		"input":             {func(_ *S, a *A, _ *H) { a.In = nil }, "no input shape"},
		"example":           {func(_ *S, a *A, _ *H) { a.Example = `{}` }, "no valid input"},
		"answer":            {func(_ *S, a *A, _ *H) { a.Answer = `{}` }, "not of its shape"},
		"answer for none":   {func(_ *S, a *A, _ *H) { a.Out = nil }, "no shape for it"},
		"input doc":         {func(_ *S, a *A, _ *H) { a.In.Field("id").Doc = "" }, "input.id has no doc"},
		"exactly one":       {func(_ *S, a *A, _ *H) { a.In.OneOf = [][]string{{"nothing"}} }, "which is no input"},
		"secret unmarked":   {func(s *S, _ *A, _ *H) { s.Settings[0].Secret = false }, "not marked as one"},
		"setting example":   {func(s *S, _ *A, _ *H) { s.Settings[0].Example = `1}` }, "is not JSON"},
		"input example":     {func(_ *S, a *A, _ *H) { a.In.Field("id").Example = `[1]` }, "no value of the field"},
		"lower env":         {func(s *S, _ *A, _ *H) { s.Settings[0].Env = "vendor_token" }, "upper case"},
		"env of another":    {func(s *S, _ *A, _ *H) { s.Settings[0].Env = "OTHER_TOKEN" }, "after VENDOR_"},
		"limit":             {func(_ *S, a *A, _ *H) { a.Limit = "none" }, "no class of the service"},
		"limit of nothing":  {func(s *S, _ *A, _ *H) { s.Limits = map[string]connectors.Limit{"": {Rate: 5}} }, "lets nothing through"},
		"key not sent":      {func(_ *S, _ *A, h *H) { h.KeyHeader = "" }, "key is not on the wire"},
		"repeat differs":    {func(_ *S, _ *A, h *H) { n := 0; h.Auth = counting(&n, h.Auth) }, "two attempts differ"},
		"secret in message": {func(_ *S, _ *A, h *H) { h.Requires[0].Secret = false }, "repeats a secret"},
		"settings unasked":  {func(_ *S, _ *A, h *H) { h.Requires = nil }, "want kind invalid"},
		"foreign error": {func(_ *S, a *A, _ *H) {
			around(a, func(_ connectors.Result, e *connectors.Error) error { return errors.New(e.Message) })
		}, "want a *connectors.Error"},
		"proof claimed": {func(_ *S, a *A, _ *H) {
			around(a, func(_ connectors.Result, e *connectors.Error) error { e.NotSent = true; return e })
		}, "although the vendor read the whole request"},
		"kind": {func(_ *S, a *A, _ *H) {
			around(a, func(_ connectors.Result, e *connectors.Error) error { e.Kind = connectors.KindServer; return e })
		}, "want unauthorized"},
		"no retry-after": {func(_ *S, a *A, _ *H) {
			around(a, func(_ connectors.Result, e *connectors.Error) error { e.RetryAfter = 0; return e })
		}, "Retry-After of 7 seconds"},
		"drift taken": {func(_ *S, a *A, _ *H) {
			around(a, func(r connectors.Result, e *connectors.Error) error {
				if e.Kind == connectors.KindDrift {
					return nil
				}
				return e
			})
		}, "want kind drift"},
		"own retries": {func(_ *S, a *A, _ *H) {
			inner := a.Call
			a.Call = connectors.Func(func(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
				res, err := inner.Call(ctx, c)
				if e := connectors.AsError(orNone(err)); e.Kind == connectors.KindServer {
					return inner.Call(ctx, c)
				}
				return res, err
			})
		}, "want one attempt"},
		"another client": {func(_ *S, a *A, _ *H) {
			a.Call = connectors.Func(func(context.Context, *connectors.Call) (connectors.Result, error) {
				return connectors.Result{Status: 200, Output: cty.EmptyObjectVal}, nil
			})
		}, "no request was sent"},
		"context": {func(_ *S, a *A, h *H) {
			a.Call = connectors.Func(func(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
				return h.Call(context.WithoutCancel(ctx), c)
			})
		}, "want kind canceled"},
	}
}

func orNone(err error) error {
	if err == nil {
		return &connectors.Error{}
	}
	return err
}

func counting(n *int, auth func(*connectors.Conn, *http.Request)) func(*connectors.Conn, *http.Request) {
	return func(c *connectors.Conn, r *http.Request) {
		*n++
		r.Header.Set("X-Attempt", fmt.Sprint(*n))
		auth(c, r)
	}
}

func TestContractHolds(t *testing.T) {
	spec, _, _ := good()
	connectortest.Contract(t, spec)
}

// faultVariable names the fault that a child process runs.
const faultVariable = "CONNECTORTEST_FAULT"

func TestContractFindsFaults(t *testing.T) {
	if name := os.Getenv(faultVariable); name != "" {
		spec, a, h := good()
		faults()[name].spoil(spec, a, h)
		connectortest.Contract(t, spec)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range faults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			child := exec.CommandContext(t.Context(), self, "-test.run=^TestContractFindsFaults$", "-test.timeout=20s")
			child.Env = append(os.Environ(), faultVariable+"="+name)
			out, err := child.CombinedOutput()
			if err == nil {
				t.Fatalf("the contract let it pass:\n%s", out)
			}
			if !strings.Contains(string(out), f.want) || strings.Contains(string(out), "panic") {
				t.Errorf("want a failure with %q:\n%s", f.want, out)
			}
		})
	}
}
