package connectortest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// contractCalls tests what an action does on the wire and how it fails.
func contractCalls(t *testing.T, spec *connectors.Spec, a *connectors.Action) {
	r := newRecorder(t)
	call := theCall(t, spec, a)
	x := &exam{t: t, recorder: r, action: a, call: call}
	for _, s := range spec.Settings {
		if s.Secret {
			x.secrets = append(x.secrets, call.Conn.Settings[s.Name]...)
		}
	}
	t.Run("success", x.success)
	t.Run("repeat", x.repeat)
	t.Run("status", x.statuses)
	t.Run("rate limit", x.rateLimit)
	t.Run("redirect", x.redirect)
	if a.ShapeInput == "" { // else there is no shape before a recipe declares one
		t.Run("drift", x.drift)
	}
	t.Run("cut", x.cut)
	t.Run("refused connection", x.refusedConnection)
	t.Run("no settings", func(t *testing.T) { x.noSettings(t, spec) })
	t.Run("concurrent", x.concurrent)
	t.Run("deadline", x.deadline)
	if t.Run("canceled before", x.canceledBefore) {
		t.Run("canceled while waiting", x.canceledWaiting) // who ignores a context would wait here for ever
	}
}

type exam struct {
	t        *testing.T
	recorder *recorder
	action   *connectors.Action
	call     connectors.Call
	secrets  []string
}

func (x *exam) answer() reply {
	return reply{status: http.StatusOK, body: x.body()}
}

// body is what the vendor answers.
func (x *exam) body() string {
	switch {
	case x.action.Reply != "":
		return x.action.Reply
	case x.action.Answer != "":
		return x.action.Answer
	}
	return "{}"
}

// attempt makes the call and tests what holds for every failure.
func (x *exam) attempt(t *testing.T, ctx context.Context, client *http.Client) (connectors.Result, *connectors.Error) {
	t.Helper()
	res, err := attempt(ctx, x.action, x.call, client)
	if err == nil {
		return res, nil
	}
	var e *connectors.Error
	if !errors.As(err, &e) {
		t.Fatalf("the failure is a %T, want a *connectors.Error: %v", err, err)
	}
	if e.Message == "" || strings.ContainsAny(e.Message, "\n\r") {
		t.Errorf("the message %q is empty or not one line", e.Message)
	}
	if !slices.Contains(connectors.Kinds(), e.Kind) {
		t.Errorf("kind %q is none of the known ones", e.Kind)
	}
	x.noSecret(t, err)
	return res, e
}

// noSecret looks for secrets in the texts of err and of all that it wraps.
func (x *exam) noSecret(t *testing.T, err error) {
	t.Helper()
	for at := err; at != nil; at = errors.Unwrap(at) {
		text := at.Error()
		var e *connectors.Error
		if errors.As(at, &e) {
			text += e.Message + e.Code
		}
		for _, secret := range append(x.secrets, canary) {
			if strings.Contains(text, secret) {
				t.Errorf("a %T repeats a secret: %s", at, text)
				return
			}
		}
	}
}

func (x *exam) success(t *testing.T) {
	x.recorder.answer(x.answer())
	res, err := x.attempt(t, t.Context(), x.recorder.client)
	if err != nil {
		t.Fatalf("calling with the example: %v", err)
	}
	if len(x.recorder.seen()) == 0 {
		t.Fatal("no request was sent through the connection's client")
	}
	if res.Status != http.StatusOK {
		t.Errorf("status %d, want 200", res.Status)
	}
	if x.action.Out == nil {
		if res.Output != cty.NilVal {
			t.Errorf("output %#v of an action that has no shape for it", res.Output)
		}
		return
	}
	if res.Output == cty.NilVal {
		t.Fatal("no output")
	}
	if !res.Output.IsWhollyKnown() || res.Output.ContainsMarked() {
		t.Error("the output has unknown or marked parts")
	}
	if res.Output.IsNull() && !x.action.OutMayBeNull {
		t.Error("the output is null")
	}
}

// repeat tests that two attempts are one request to the vendor, and that a key that the vendor takes is on the wire.
func (x *exam) repeat(t *testing.T) {
	send := func(key string) []string {
		x.recorder.answer(x.answer())
		x.call.Key = key
		if _, err := x.attempt(t, t.Context(), x.recorder.client); err != nil {
			t.Fatalf("calling: %v", err)
		}
		return x.recorder.seen()
	}
	key := x.call.Key
	first, second := send(key), send(key)
	if !slices.Equal(first, second) {
		t.Errorf("two attempts differ:\n%s\n--- and\n%s", strings.Join(first, "\n"), strings.Join(second, "\n"))
	}
	other := send(strings.Repeat("fedcba9876543210", 4))
	x.call.Key = key
	if x.action.Effect == schema.Keyed && slices.Equal(first, other) {
		t.Error("the action is keyed, and its key is not on the wire")
	}
}

// statuses tests what a vendor's refusals become. The bodies repeat the secrets, as vendors have been seen to.
func (x *exam) statuses(t *testing.T) {
	x.recorder.answer(x.answer())
	if _, err := x.attempt(t, t.Context(), x.recorder.client); err != nil {
		t.Fatalf("calling: %v", err)
	}
	leak := strings.Join(x.recorder.got(x.secrets), " ")
	if leak == "" {
		t.Fatal("no secret was sent, so none can be tested for")
	}
	body := fmt.Sprintf(`{"error":{"message":"bad key %[1]s","code":"bad_key"},"meta":{"error":"bad key %[1]s","errors":["%[1]s"]},"errors":[{"detail":"%[1]s"}]}`, leak)
	for status, want := range map[int]connectors.Kind{
		400: connectors.KindRefused, 401: connectors.KindUnauthorized, 403: connectors.KindUnauthorized,
		404: connectors.KindNotFound, 409: connectors.KindConflict, 410: connectors.KindGone, 422: connectors.KindRefused,
		429: connectors.KindRateLimited, 500: connectors.KindServer, 502: connectors.KindServer, 503: connectors.KindServer,
	} {
		for _, text := range []string{"{}", body, "<html>not JSON</html>", ""} {
			x.recorder.answer(reply{status: status, body: text})
			res, err := x.attempt(t, t.Context(), x.recorder.client)
			if status == 404 && x.action.OutMayBeNull && err == nil {
				if !res.Output.IsNull() {
					t.Errorf("404: output %#v, want null", res.Output)
				}
				continue
			}
			if err == nil {
				t.Errorf("%d with body %q: no failure", status, text)
				continue
			}
			if err.Kind != want || err.Status != status {
				t.Errorf("%d with body %q: kind %s, status %d; want %s", status, text, err.Kind, err.Status, want)
			}
			if err.NotSent != (status == http.StatusTooManyRequests) {
				t.Errorf("%d: not sent is %v", status, err.NotSent)
			}
			if n := len(x.recorder.seen()); n != 1 {
				t.Errorf("%d with body %q: %d requests, want one attempt", status, text, n)
			}
		}
	}
}

func (x *exam) rateLimit(t *testing.T) {
	x.recorder.answer(reply{status: 429, body: "{}", header: http.Header{"Retry-After": {"7"}}})
	_, err := x.attempt(t, t.Context(), x.recorder.client)
	if err == nil || err.RetryAfter != 7*time.Second {
		t.Errorf("Retry-After of 7 seconds: %+v", err)
	}
}

func (x *exam) redirect(t *testing.T) {
	for _, status := range []int{301, 302, 307, 308} {
		x.recorder.answer(reply{status: status, header: http.Header{"Location": {elsewhere}}})
		_, err := x.attempt(t, t.Context(), x.recorder.client)
		if err == nil {
			t.Errorf("%d: no failure", status)
		}
		if n := len(x.recorder.seen()); n != 1 {
			t.Errorf("%d: %d requests; a redirect must not be followed", status, n)
		}
	}
}

// drift tests that an answer which is not what was promised is no success.
func (x *exam) drift(t *testing.T) {
	if x.action.Out == nil {
		return
	}
	bodies := []string{"", "<html></html>", `"text"`, x.body()[:len(x.body())/2]}
	if h, ok := x.action.Call.(*connectors.HTTP); !ok || h.ListIn == "" {
		bodies = append(bodies, "[]")
	}
	for _, body := range bodies {
		x.recorder.answer(reply{status: 200, body: body})
		_, err := x.attempt(t, t.Context(), x.recorder.client)
		if err == nil || err.Kind != connectors.KindDrift {
			t.Errorf("answer %q: %v, want kind drift", body, err)
		}
	}
}

// cut tests the failure that matters most: the vendor may have acted.
func (x *exam) cut(t *testing.T) {
	x.recorder.answer(reply{cut: true})
	_, err := x.attempt(t, t.Context(), x.recorder.client)
	if err == nil {
		t.Fatal("no failure")
	}
	if err.Kind != connectors.KindNetwork {
		t.Errorf("kind %s, want network", err.Kind)
	}
	if err.NotSent {
		t.Error("not sent is true, although the vendor read the whole request")
	}
}

func (x *exam) refusedConnection(t *testing.T) {
	_, err := x.attempt(t, t.Context(), refusing(t))
	if err == nil || err.Kind != connectors.KindNetwork || !err.NotSent {
		t.Errorf("%+v, want kind network and proof that nothing was sent", err)
	}
}

func (x *exam) canceledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	x.recorder.answer(x.answer())
	_, err := x.attempt(t, ctx, x.recorder.client)
	if err == nil || err.Kind != connectors.KindCanceled {
		t.Errorf("%v, want kind canceled", err)
	}
	if n := len(x.recorder.seen()); n != 0 {
		t.Errorf("%d requests after the cancellation", n)
	}
}

func (x *exam) canceledWaiting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	x.recorder.answer(reply{wait: true})
	go func() {
		<-x.recorder.arrived
		cancel()
	}()
	_, err := x.attempt(t, ctx, x.recorder.client)
	if err == nil || err.Kind != connectors.KindCanceled || err.NotSent {
		t.Errorf("%+v, want kind canceled, and no claim that nothing was sent", err)
	}
}

func (x *exam) deadline(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	x.recorder.answer(x.answer())
	_, err := x.attempt(t, ctx, x.recorder.client)
	if err == nil || err.Kind != connectors.KindTimeout {
		t.Errorf("%v, want kind timeout", err)
	}
}

// noSettings tests that a connection without settings is refused in words that say how to mend it.
func (x *exam) noSettings(t *testing.T, spec *connectors.Spec) {
	x.recorder.answer(x.answer())
	with := x.call.Conn
	defer func() { x.call.Conn = with }()
	x.call.Conn = &connectors.Conn{Name: with.Name, Service: with.Service, Settings: map[string][]string{}}
	_, err := x.attempt(t, t.Context(), x.recorder.client)
	if err == nil || err.Kind != connectors.KindInvalid {
		t.Fatalf("%v, want kind invalid", err)
	}
	if n := len(x.recorder.seen()); n != 0 {
		t.Errorf("%d requests without settings", n)
	}
	for _, s := range spec.Settings {
		if strings.Contains(err.Message, s.Name) && strings.Contains(err.Message, s.Env) {
			return
		}
	}
	t.Errorf("%q names no setting with its environment variable", err.Message)
}

func (x *exam) concurrent(t *testing.T) {
	x.recorder.answer(x.answer())
	const n = 8
	done := make(chan error, n)
	for range n {
		go func() {
			_, err := attempt(t.Context(), x.action, x.call, x.recorder.client)
			done <- err
		}()
	}
	for range n {
		if err := <-done; err != nil {
			t.Errorf("one of %d at the same time: %v", n, err)
		}
	}
}
