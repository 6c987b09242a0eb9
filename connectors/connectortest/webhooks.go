package connectortest

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

func contractTrigger(t *testing.T, spec *connectors.Spec, tr *schema.Trigger) {
	if tr.For == nil { // what a recipe tells what it is has a name of its own
		checkName(t, spec, tr.Name)
	}
	if tr.Service != spec.Name {
		t.Errorf("service %q, want %q", tr.Service, spec.Name)
	}
	checkDoc(t, "trigger", tr.Doc)
	if tr.Settings != nil {
		checkFields(t, "settings", tr.Settings, 0)
	}
	types := tr.Events
	if tr.TypesSetting != "" {
		types = tr.KnownTypes
		if tr.Settings == nil || tr.Settings.Field(tr.TypesSetting) == nil {
			t.Errorf("types come from %q, which is no setting", tr.TypesSetting)
		}
		if tr.PayloadFor == nil {
			t.Fatal("types come from a setting, and there is no payload for them")
		}
	} else if tr.Payload == nil {
		t.Fatal("it has no payload")
	}
	if len(types) == 0 && !spec.Local {
		t.Error("no event fires it")
	}
	for _, typ := range types {
		if payload := payloadOf(tr, typ); tr.ShapeSetting == "" && (payload == nil || len(payload.Fields()) == 0) {
			t.Errorf("the payload of %s has no fields", typ)
		}
	}
	guards := slices.Concat(tr.Guards, tr.AtFirst)
	if tr.Choose != nil {
		_, chosen := tr.Choose(nil)
		guards = append(guards, chosen...)
	}
	for _, g := range guards {
		if g.Test != nil {
			continue
		}
		if g.Why != "" {
			if tr.Payload != nil && !resolves(tr.Payload, g.Path) {
				t.Errorf("what is so at first is at %s, which the payload does not have", g.Path)
			}
			continue
		}
		if g.Setting == "" && tr.Choose != nil {
			// what the trigger means by itself
		} else if tr.Settings == nil || tr.Settings.Field(g.Setting) == nil {
			t.Errorf("a guard hangs on %q, which is no setting", g.Setting)
		}
		if tr.Payload != nil && !resolves(tr.Payload, g.Path) {
			t.Errorf("a guard reads %s, which the payload does not have", g.Path)
		}
	}
}

func payloadOf(tr *schema.Trigger, typ string) *schema.Object {
	if tr.TypesSetting != "" {
		return tr.PayloadFor([]string{typ})
	}
	return tr.Payload
}

func resolves(o *schema.Object, path schema.Path) bool {
	for i, name := range path {
		f := o.Field(name)
		if f == nil {
			return false
		}
		if i == len(path)-1 {
			return true
		}
		if f.Type.Kind != schema.KindObject {
			return f.Type.Kind == schema.KindAny || f.Type.Kind == schema.KindMap
		}
		o = f.Type.Object
	}
	return false
}

// contractWebhook signs samples as the service would and opens them, then tampers.
func contractWebhook(t *testing.T, spec *connectors.Spec) {
	w := spec.Webhook
	if w.Open == nil || w.Sign == nil || w.Sample == nil {
		t.Fatal("open, sign and sample must all be there")
	}
	secretField := false
	for _, s := range spec.Settings {
		secretField = secretField || s.Name == w.SecretSetting && s.Secret
	}
	if !secretField {
		t.Fatalf("the signing secret is in %q, which is no secret setting", w.SecretSetting)
	}
	conn := connection(t, spec)
	conn.Client = &http.Client{}
	secret := conn.Setting(w.SecretSetting)
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	done := map[string]bool{}
	for _, tr := range spec.Triggers {
		types := tr.Events
		if tr.TypesSetting != "" {
			types = tr.KnownTypes
		}
		for _, typ := range types {
			if done[typ] || typ == "*" {
				continue
			}
			done[typ] = true
			body, err := w.Sample(typ, "evt_sample_1", now)
			if err != nil {
				t.Errorf("%s: making a sample: %v", typ, err)
				continue
			}
			checkSample(t, w, conn, body, secret, typ, now)
			checkPayload(t, w, payloadOf(tr, typ), body, typ)
		}
	}
	if len(done) == 0 {
		t.Error("no trigger takes what the webhook brings")
		return
	}
	for typ := range done {
		body, err := w.Sample(typ, "evt_sample_1", now)
		if err == nil {
			checkForgeries(t, w, conn, body, secret, now)
		}
		break
	}
}

func checkSample(t *testing.T, w *connectors.Webhook, conn *connectors.Conn, body []byte, secret, typ string, now time.Time) {
	t.Helper()
	env, err := w.Open(&connectors.WebhookRequest{Body: body, Header: w.Sign(body, secret, now), Conn: conn, Now: now})
	if err != nil {
		t.Errorf("%s: opening a signed sample: %v", typ, err)
		return
	}
	if env.ID != "evt_sample_1" || env.Type != typ || !env.Time.Equal(now) {
		t.Errorf("%s: envelope %+v", typ, env)
	}
}

func checkPayload(t *testing.T, w *connectors.Webhook, payload *schema.Object, body []byte, typ string) {
	t.Helper()
	raw := schema.Lookup(body, w.Data...)
	if raw == nil {
		t.Errorf("%s: the sample has nothing at %s", typ, w.Data)
		return
	}
	_, drift, err := payload.Decode(raw, &schema.Paths{All: true})
	if err != nil {
		t.Errorf("%s: decoding the sample's payload: %v", typ, err)
	}
	for _, d := range drift {
		t.Errorf("%s: the sample's payload: %v", typ, d)
	}
}

func checkForgeries(t *testing.T, w *connectors.Webhook, conn *connectors.Conn, body []byte, secret string, now time.Time) {
	signed := w.Sign(body, secret, now)
	changed := append(bytes.Clone(body), ' ')
	for name, r := range map[string]connectors.WebhookRequest{
		"another body":   {Body: changed, Header: signed},
		"another secret": {Body: body, Header: w.Sign(body, "not the secret", now)},
		"no signature":   {Body: body, Header: http.Header{}},
		"empty":          {Header: http.Header{}},
	} {
		if w.Unbound && name == "another body" {
			continue
		}
		r.Conn, r.Now = conn, now
		_, err := w.Open(&r)
		var refused *connectors.WebhookError
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v, want a *connectors.WebhookError", name, err)
			continue
		}
		if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: the refusal repeats the secret", name)
		}
		if name != "empty" && !refused.Forged {
			t.Errorf("%s: it is not taken for forged: %v", name, err)
		}
	}
}
