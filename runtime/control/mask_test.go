package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// declaredShapes are those of a vendor whose charges have all kinds of fields.
type declaredShapes struct{ traced bool }

func charge() *schema.Object {
	text := schema.Type{Kind: schema.KindString}
	address := schema.NewObject("address", schema.Field{Name: "city", Type: text}, schema.Field{Name: "country", Type: text}, schema.Field{Name: "number", Type: schema.Type{Kind: schema.KindNumber}})
	return schema.NewObject("charge",
		schema.Field{Name: "id", Type: schema.Type{Kind: schema.KindString, Format: schema.ID}},
		schema.Field{Name: "amount", Type: schema.Type{Kind: schema.KindNumber}, Role: schema.RoleAmount},
		schema.Field{Name: "status", Type: schema.EnumOf("failed", "paid")},
		schema.Field{Name: "description", Type: text},
		schema.Field{Name: "email", Type: text, Role: schema.RoleEmail},
		schema.Field{Name: "contact", Type: schema.Type{Kind: schema.KindString, Format: schema.Email}},
		schema.Field{Name: "name", Type: text, Role: schema.RoleName},
		schema.Field{Name: "address", Type: schema.ObjectType(address), Role: schema.RoleAddress},
		schema.Field{Name: "client_secret", Type: text, Secret: true},
		schema.Field{Name: "metadata", Type: text.MapOf()},
		schema.Field{Name: "any", Type: schema.Type{Kind: schema.KindAny}},
		schema.Field{Name: "counts", Type: schema.Type{Kind: schema.KindNumber}.MapOf()},
		schema.Field{Name: "emails", Type: text.ListOf(), Role: schema.RoleEmail},
		schema.Field{Name: "anything", Type: schema.Type{Kind: schema.KindAny}.ListOf()},
	)
}

func (declaredShapes) Event(e *runtime.Event) EventShape {
	if e.Type == "bare" {
		return EventShape{Object: charge()}
	}
	return EventShape{Object: charge(), Data: schema.Path{"data", "object"}, Previous: schema.Path{"data", "previous"}}
}

func (d declaredShapes) Step(context.Context, *runtime.Run, *runtime.Step) StepShape {
	any := schema.Type{Kind: schema.KindAny}
	in := schema.NewObject("in", schema.Field{Name: "id", Type: schema.Type{Kind: schema.KindString}}, schema.Field{Name: "data", Type: any}, schema.Field{Name: "more", Type: any})
	return StepShape{In: in, Out: charge(), Traced: d.traced, Personal: []string{"data"}}
}

func TestMaskEvent(t *testing.T) {
	for _, tt := range []struct{ name, kind, in, want string }{
		{"declared", "bare", `{"id":"ch_1","amount":5.00,"status":"failed","description":"a charge","email":"jo@x.test","name":"Jo Doe"}`,
			`{"id":"ch_1","amount":5.00,"status":"failed","description":"a charge","email":"[masked email]","name":"[masked name]"}`},
		{"empty and null", "bare", `{"email":"","name":null,"address":null,"emails":[]}`, `{"email":"","name":null,"address":null,"emails":[]}`},
		{"below a personal field", "bare", `{"address":{"city":"Rome","country":"IT","number":7,"odd":true}}`, `{"address":{"city":"[masked address]","country":"[masked address]","number":"[masked address]","odd":true}}`},
		{"in a list", "bare", `{"emails":["a@b.test",["c@d.test"],{"x":"y"}]}`, `{"emails":["[masked email]",["[masked email]"],{"x":"[masked email]"}]}`},
		{"by format", "bare", `{"contact":"jo at x"}`, `{"contact":"[masked email]"}`},
		{"secret", "bare", `{"client_secret":"pi_1_secret_2"}`, `{"client_secret":"[masked secret]"}`},
		{"a secret where none is declared", "bare", `{"description":"sk_live_0123456789","metadata":{"k":"whsec_0123456789"}}`, `{"description":"[masked secret]","metadata":{"k":"[masked secret]"}}`},
		{"in text", "bare", `{"description":"sent to jo@x.test"}`, `{"description":"sent to [email]"}`},
		{"free in form", "bare", `{"metadata":{"order":"6735","id":"cus_P9hWcXkYq3","who":"Jo","plan":"true","customer_name":"cus_P9hWcXkYq3"}}`,
			`{"metadata":{"order":"6735","id":"cus_P9hWcXkYq3","who":"[masked]","plan":"true","customer_name":"[masked]"}}`},
		{"anything", "bare", `{"any":"Jo","anything":["Jo",7,{"phone":5551234567,"n":7}]}`, `{"any":"[masked]","anything":["[masked]",7,{"phone":"[masked]","n":7}]}`},
		{"nobody has declared it", "bare", `{"brand_new":"Jo","nested":{"deep":["Jo"]}}`, `{"brand_new":"[masked]","nested":{"deep":["[masked]"]}}`},
		{"numbers", "bare", `{"counts":{"a":1,"jo@x.test":2}}`, `{"counts":{"a":1,"[email]":2}}`},
		{"twice", "bare", `{"email":"a@b.test","email":"c@d.test"}`, `{"email":"[masked email]","email":"[masked email]"}`},
		{"escaped", "bare", `{"\u0065mail":"\u0061@b.test","id":"<&>"}`, `{"email":"[masked email]","id":"<&>"}`},
		{"around it", "wrapped", `{"id":"evt_1","type":"charge.failed","data":{"object":{"name":"Jo","id":"ch_1"},"previous":{"name":"Jon"},"other":"jo@x.test"},"request":{"by":"jo@x.test"}}`,
			`{"id":"evt_1","type":"charge.failed","data":{"object":{"name":"[masked name]","id":"ch_1"},"previous":{"name":"[masked name]"},"other":"[email]"},"request":{"by":"[email]"}}`},
		{"another shape than promised", "bare", `{"address":"Main Street 1","name":{"first":"Jo"},"status":["Jo"]}`, `{"address":"[masked address]","name":{"first":"[masked name]"},"status":["[masked]"]}`},
		{"a list", "bare", `["Jo"]`, `["[masked]"]`},
		{"a text", "bare", `"Jo"`, `"[masked]"`},
		{"no JSON", "bare", `Jo=1`, `"[masked]"`},
		{"nested too deeply", "bare", strings.Repeat(`[`, 100) + strings.Repeat(`]`, 100), `"[masked]"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := (&Handler{cfg: Config{Shapes: declaredShapes{}}}).newMasker()
			out := Event{Payload: rawJSON([]byte(tt.in))}
			m.event(&out, &runtime.Event{Type: tt.kind})
			if string(out.Payload) != tt.want {
				t.Errorf("got  %s\nwant %s", out.Payload, tt.want)
			}
			if (out.Masked > 0) != (tt.want != tt.in) && tt.name != "escaped" {
				t.Errorf("%d are masked", out.Masked)
			}
		})
	}
	// Where nothing is known, nothing is harmless.
	m := (&Handler{}).newMasker()
	out := Event{Payload: json.RawMessage(`{"description":"Jo Doe","n":7}`)}
	m.event(&out, &runtime.Event{})
	if string(out.Payload) != `{"description":"[masked]","n":7}` {
		t.Errorf("without shapes: %s", out.Payload)
	}
}

func TestMaskRun(t *testing.T) {
	for _, tt := range []struct {
		name             string
		traced           bool
		in, want         string
		message, masked  string
		output, masksOut string
	}{
		{"traced", true, `{"id":"cus_1","data":{"who":"Ann","n":7,"ok":true},"more":{"reason":"card declined","mail":"x@y.test"}}`,
			`{"id":"cus_1","data":{"who":"[masked]","n":7,"ok":true},"more":{"reason":"card declined","mail":"[email]"}}`,
			"no such person: Jo Doe <jo@x.test>", "no such person: [masked] <[masked]>", `{"id":"cus_2","email":"new@x.test","name":"Jo Doe"}`, `{"id":"cus_2","email":"[masked email]","name":"[masked name]"}`},
		{"what was masked elsewhere", true, `{"id":"jo@x.test","more":{"who":"Jo Doe","greeting":"Dear Jo Doe!"}}`, `{"id":"[masked]","more":{"who":"[masked]","greeting":"Dear [masked]!"}}`,
			"", "", `{"description":"for Jo Doe"}`, `{"description":"for [masked]"}`},
		{"not traced", false, `{"id":"cus_1","data":{"who":"Ann"},"more":{"reason":"card declined"}}`, `{"id":"cus_1","data":{"who":"[masked]"},"more":{"reason":"[masked]"}}`,
			"", "", `null`, `null`},
		{"no object", true, `["Jo"]`, `["[masked]"]`, "", "", `7`, `7`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := (&Handler{cfg: Config{Shapes: declaredShapes{traced: tt.traced}}}).newMasker()
			event := Event{Payload: json.RawMessage(`{"email":"jo@x.test","name":"Jo Doe"}`)}
			m.event(&event, &runtime.Event{Type: "bare"})
			failure := func() *runtime.StepError { return &runtime.StepError{Message: tt.message} }
			run := &runtime.Run{Error: failure(), Input: []byte(`{"a":"Ann"}`), Output: []byte(`"Ann"`), Steps: []*runtime.Step{{Input: []byte(tt.in), Output: []byte(tt.output),
				Error: failure(), Each: "jo@x.test", Attempts: []runtime.Attempt{{Error: failure()}, {}}}}}
			out := runJSON(run)
			m.run(t.Context(), &out, run)
			s := out.Steps[0]
			if string(s.Input) != tt.want || string(s.Output) != tt.masksOut {
				t.Errorf("input  %s\nwant   %s\noutput %s\nwant   %s", s.Input, tt.want, s.Output, tt.masksOut)
			}
			for _, got := range []string{out.Error.Message, s.Error.Message, s.Attempts[0].Error.Message} {
				if got != tt.masked {
					t.Errorf("message %q, want %q", got, tt.masked)
				}
			}
			if s.Each != "[masked]" || string(out.Input) != `{"a":"[masked]"}` || string(out.Output) != `"[masked]"` || out.Masked == 0 {
				t.Errorf("each %s, input %s, output %s, %d masked", s.Each, out.Input, out.Output, out.Masked)
			}
			if string(run.Steps[0].Input) != tt.in || run.Error.Message != tt.message {
				t.Error("the store's own record was changed")
			}
		})
	}
}

func TestMaskGates(t *testing.T) {
	m := (&Handler{cfg: Config{Shapes: declaredShapes{}}}).newMasker()
	event := Event{Payload: json.RawMessage(`{"email":"jo@x.test","name":"Jo Doe","metadata":{"team":"red"}}`)}
	m.event(&event, &runtime.Event{Type: "bare"})
	for value, want := range map[string]string{
		"":                       "",
		"true":                   "true",
		"5000":                   "5000",
		"null":                   "null",
		`"failed"`:               `"failed"`,
		`"failed": case at 3`:    `"failed": case at 3`,
		`"Jo Doe"`:               `"[masked]"`,
		`"jo doe"`:               `"[masked]"`,
		`"Doe"`:                  `"[masked]"`,
		`"Jo Doe": default`:      `"[masked]": default`,
		`"red"`:                  `"[masked]"`,
		`"jo@x.te…`:              `[masked]`,
		`"to ann@y.test"`:        `"to [email]"`,
		`{"a":1}`:                `[masked]`,
		`["Jo"]…`:                `[masked]`,
		"(secret)":               "(secret)",
		"(not a number: Jo Doe)": "(not a number: [masked])",
	} {
		w := &Why{Verdict: []Verdict{{Because: "it met Jo Doe", Gates: []Gate{{Value: value, Parts: []Part{{Value: value}}}}}}}
		m.why(w)
		if g := w.Verdict[0].Gates[0]; g.Value != want || g.Parts[0].Value != want {
			t.Errorf("%s is shown as %s, want %s", value, g.Value, want)
		}
		if w.Verdict[0].Because != "it met [masked]" {
			t.Errorf("because %q", w.Verdict[0].Because)
		}
	}
}

// TestNothingLeaks puts names into every place of the store and looks for them in every answer that who may view, and
// the page of who may operate, get.
func TestNothingLeaks(t *testing.T) {
	d := newDoorFor(t, nil, "")
	d.cfg.Shapes = declaredShapes{}
	ctx := t.Context()
	const mail, name = "canary@person.test", "Canary Person"
	body := fmt.Sprintf(`{"data":{"object":{"id":"ch_1","email":%q,"name":%q,"metadata":{"note":%q}}}}`, mail, name, name)
	e := &runtime.Event{Connection: "stripe", Service: "stripe", ID: "evt_leak", Type: "charge.failed", Time: start, ReceivedAt: now, Payload: []byte(body)}
	if _, err := d.store.AcceptEvent(ctx, e); err != nil {
		t.Fatal(err)
	}
	failure := &runtime.StepError{Kind: "refused", Message: "no person " + mail + " named " + name}
	run := &runtime.Run{ID: "run_leak", EventSeq: e.Seq, EventID: e.ID, EventType: e.Type, Connection: "stripe", Recipe: "billing/dunning", Status: runtime.RunFailed, StartedAt: now, Error: failure,
		Input: fmt.Appendf(nil, `{"x":%q}`, name), Output: fmt.Appendf(nil, `%q`, name),
		Steps: []*runtime.Step{{Address: "action.a", Action: "x", Status: runtime.StepFailed, Input: fmt.Appendf(nil, `{"id":%q,"data":{"n":%q}}`, mail, name), Output: []byte(body), Error: failure,
			Each: mail, Attempts: []runtime.Attempt{{Error: failure}}}}}
	if err := d.store.Record(ctx, &runtime.Change{Runs: []*runtime.Run{run}, Decision: &runtime.Decision{EventSeq: e.Seq, At: now, Runs: 1}}); err != nil {
		t.Fatal(err)
	}
	d.crew.why = &Why{Verdict: []Verdict{{Because: "it met " + name, Gates: []Gate{{Value: fmt.Sprintf("%q", name), Parts: []Part{{Value: fmt.Sprintf("%q", strings.ToLower(mail))}, {Value: body}}}}}}}
	cookie := d.signIn(t, joSecret)
	viewer := map[string]string{"Authorization": "Bearer " + samSecret}
	operator := map[string]string{"Authorization": "Bearer " + joSecret}
	seen := func(q request, whole bool) {
		t.Helper()
		w := d.send(q)
		if w.Code != 200 {
			t.Errorf("%s answers %d %s", q.path, w.Code, w.Body)
		}
		text := strings.ToLower(w.Body.String())
		for _, secret := range []string{mail, name} {
			if got := strings.Contains(text, strings.ToLower(secret)); got != whole && (!whole || secret == name) {
				t.Errorf("%s shows %q: %v, want %v\n%s", q.path, secret, got, whole, w.Body)
			}
		}
	}
	paths := []string{"/api/v1/events/evt_leak", "/api/v1/runs/run_leak", "/api/v1/runs/run_leak/why", "/api/v1/events/evt_leak/why", "/api/v1/history"}
	for _, path := range paths {
		seen(request{path: path, header: viewer}, false)
		seen(request{path: path + "?masked=", header: viewer}, false)
		seen(request{path: path, cookies: []*http.Cookie{cookie}}, false)
		seen(request{path: path + "?masked=1", header: operator}, false)
		d.crew.why = &Why{Verdict: []Verdict{{Because: "it met " + name}}}
		seen(request{path: path, header: operator}, true)
	}
	for _, header := range []map[string]string{viewer, operator} {
		seen(request{path: "/api/v1/runs?masked=1", header: header}, false)
		seen(request{path: "/api/v1/events?masked=1", header: header}, false)
		seen(request{path: "/api/v1/status?masked=1", header: header}, false)
	}
	seen(request{path: "/api/v1/runs", header: operator}, true)
	server := httptest.NewServer(d.Handler)
	defer server.Close()
	defer d.CloseStreams()
	l := listen(t, server, samSecret, "?only=run")
	d.Publish(run)
	if got := l.says("run"); strings.Contains(got, mail) || strings.Contains(got, name) || !strings.Contains(got, "no person [masked] named [masked]") {
		t.Errorf("the stream shows %s", got)
	}
	for _, path := range []string{"/api/v1/events/evt_leak/reveal", "/api/v1/runs/run_leak/reveal"} {
		seen(request{method: "POST", path: path, body: `{"reason":"a ticket"}`, cookies: []*http.Cookie{cookie}}, true)
		if w := d.send(request{method: "POST", path: path, body: `{}`, header: viewer}); w.Code != 403 || strings.Contains(w.Body.String(), name) {
			t.Errorf("who may view reveals: %d %s", w.Code, w.Body)
		}
	}
	entries, err := d.store.Audits(ctx, runtime.AuditQuery{What: "revealed"})
	if err != nil || len(entries) != 2 {
		t.Fatalf("the log has %d entries, %v", len(entries), err)
	}
	if a := entries[0]; a.Who != "jo" || a.Via != "session" || a.Result != "done" || !slices.Equal(a.IDs, []string{"run_leak"}) || a.Detail != `{"reason":"a ticket"}` {
		t.Errorf("the log has %+v", a)
	}
}

func TestHarmless(t *testing.T) {
	for s, want := range map[string]bool{
		"cus_P9hWcXkYq3mZ1a": true, "in_1OKvM2Lkdf93jfQwErTyUiOp": true, "6735": true, "12.50": true, "2026-11-03": true, "2026-11-03T02:00:00Z": true, "true": true,
		"01ARZ3NDEKTSV4RRFFQ69G5FAV": true, "0123456789abcdef": true, "123e4567-e89b-12d3-a456-426614174000": true,
		"jo": false, "Jo Doe": false, "jo_doe": false, "jo_abcdefghij": false, "+15551234567": false, "5551234567": false, "12 Main Street": false, "jo@x.test": false, "": false,
	} {
		if got := harmless(s); got != want {
			t.Errorf("harmless(%q) = %v", s, got)
		}
	}
	for s, want := range map[string]bool{"customer_name": true, "shipTo": false, "ip": true, "client_ip": true, "tip": false, "Email": true, "order": false, "zip": true} {
		if got := tellsByName(s); got != want {
			t.Errorf("tellsByName(%q) = %v", s, got)
		}
	}
}
