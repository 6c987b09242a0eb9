package customerio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/customerio"
	"github.com/flowrun/flowrun/lang/schema"
)

// request is a delivery with these headers.
func request(keys []string, stamp, signature, body string, now time.Time) *connectors.WebhookRequest {
	h := http.Header{}
	h.Set("X-CIO-Timestamp", stamp)
	h.Set("X-CIO-Signature", signature)
	return &connectors.WebhookRequest{Body: []byte(body), Header: h, Now: now,
		Conn: &connectors.Conn{Name: "customerio", Settings: map[string][]string{"webhook_signing_key": keys}}}
}

func refused(err error) *connectors.WebhookError {
	var e *connectors.WebhookError
	if errors.As(err, &e) {
		return e
	}
	return &connectors.WebhookError{}
}

// The vendor's own code is the oracle: testdata/signatures/README.md.
func TestSignaturesAsTheVendorHasThem(t *testing.T) {
	raw, err := os.ReadFile("testdata/signatures/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name, Key, Timestamp, Body, Signature string
		Repeat                                int
		Valid                                 bool
	}
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	open := customerio.Spec().Webhook.Open
	valid := 0
	for _, v := range vectors {
		body := strings.Repeat(v.Body, max(v.Repeat, 1))
		seconds, err := strconv.ParseInt(v.Timestamp, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		_, err = open(request([]string{v.Key}, v.Timestamp, v.Signature, body, time.Unix(seconds, 0)))
		// A body that is no event is refused for that, once its signature has held.
		if holds := err == nil || !refused(err).Forged; holds != v.Valid {
			t.Errorf("%s: the signature holds: %v; the vendor's code says %v (%v)", v.Name, holds, v.Valid, err)
		}
		if v.Valid {
			valid++
		}
	}
	if len(vectors) < 15 || valid < 5 {
		t.Errorf("%d vectors, %d of them valid", len(vectors), valid)
	}
}

const signed = `{"event_id":"01E4C4CT6YDC7Y5M7FE1GWWPQJ","object_type":"email","metric":"opened","timestamp":1772600000,"data":{}}`

func TestAgeIsBounded(t *testing.T) {
	hook := customerio.Spec().Webhook
	for _, c := range []struct {
		age  time.Duration
		want string
	}{
		{0, ""},
		{7*24*time.Hour + time.Hour, ""}, // the vendor tries for seven days
		{8*24*time.Hour + time.Second, "too old"},
		{-4 * time.Minute, ""},
		{-6 * time.Minute, "in the future"},
	} {
		r := request([]string{"key"}, "", "", signed, eventTime)
		r.Header = hook.Sign(r.Body, "key", eventTime.Add(-c.age))
		_, err := hook.Open(r)
		if c.want == "" && err != nil {
			t.Errorf("%s old: %v", c.age, err)
		}
		if e := refused(err); c.want != "" && (!strings.Contains(e.Reason, c.want) || !e.Forged || e.Status != 400) {
			t.Errorf("%s old: %v, want %q", c.age, err, c.want)
		}
	}
}

func TestSigningKeys(t *testing.T) {
	hook := customerio.Spec().Webhook
	header := hook.Sign([]byte(signed), "new", eventTime)
	for _, c := range []struct {
		keys   []string
		status int
	}{
		{[]string{"new"}, 0}, {[]string{"old", "new"}, 0}, {[]string{"old, new"}, 0}, {[]string{"old"}, 400},
		{nil, 503}, {[]string{""}, 503}, {[]string{" , "}, 503},
	} {
		r := request(c.keys, "", "", signed, eventTime)
		r.Header = header
		_, err := hook.Open(r)
		if e := refused(err); e.Status != c.status {
			t.Errorf("keys %q: %v, want status %d", c.keys, err, c.status)
		}
	}
	// Nobody can sign with an empty key.
	r := request(nil, "", "", signed, eventTime)
	r.Header = hook.Sign(r.Body, "", eventTime)
	if _, err := hook.Open(r); err == nil {
		t.Error("an empty key was taken")
	}
	// Which of two headers was meant is anybody's guess.
	r = request([]string{"new"}, "", "", signed, eventTime)
	r.Header = header.Clone()
	r.Header.Add("X-CIO-Signature", header.Get("X-CIO-Signature"))
	if _, err := hook.Open(r); !refused(err).Forged {
		t.Errorf("two signatures: %v", err)
	}
}

func TestEnvelopes(t *testing.T) {
	hook := customerio.Spec().Webhook
	const id = "01E4C4CT6YDC7Y5M7FE1GWWPQJ"
	at := time.Unix(1613063089, 0).UTC()
	for _, c := range []struct {
		body, id, typ string
		at            time.Time
	}{
		{`{"event_id":"` + id + `","object_type":"email","metric":"opened","timestamp":1613063089,"data":{}}`, id, "email_opened", at},
		{`{"event_id":"` + id + `","object_type":"in_app","metric":"clicked","timestamp":1613063089}`, id, "in_app_clicked", at},
		{`{"event_id":"` + id + `","object_type":"customer","metric":"subscribed","timestamp":1613063089}`, id, "customer_subscribed", at},
		{`{"event_id":"` + id + `","object_type":"sms","metric":"subscribed","timestamp":1613063089}`, id, "customer_subscribed", at},
		{`{"event_id":"` + id + `","object_type":"sms","metric":"unsubscribed","timestamp":1613063089,"data":{"recipient":"+1"}}`, id, "customer_unsubscribed", at},
		{`{"event_id":"` + id + `","object_type":"email","metric":"unsubscribed","timestamp":1613063089,"data":{"email_address":null}}`, id, "customer_unsubscribed", at},
		{`{"event_id":"` + id + `","object_type":"email","metric":"unsubscribed","timestamp":1613063089,"data":{"recipient":"a@example.com"}}`, id, "email_unsubscribed", at},
		{`{"event_id":"` + id + `","object_type_type":"email","metric":"cio_subscription_preferences_changed","timestamp":1613063089}`, id, "customer_subscription_preferences_changed", at},
		{`{"event_id":"` + id + `","object_type":"customer","metric":"subscription_preferences_changed","timestamp":1613063089}`, id, "customer_subscription_preferences_changed", at},
		// Types that come after this table was made are taken, for whoever listens to all.
		{`{"event_id":"` + id + `","object_type":"pigeon","metric":"returned","timestamp":1613063089}`, id, "pigeon_returned", at},
		// A refusal would stop everything behind it.
		{`{"object_type":"email","metric":"sent","timestamp":1613063089}`, "sha256-", "email_sent", at},
		{`{"event_id":"a b","object_type":"email","metric":"sent","timestamp":"soon"}`, "sha256-", "email_sent", eventTime.Truncate(time.Second)},
		{`{"event_id":"` + id + `","timestamp":-1}`, id, "unknown", eventTime.Truncate(time.Second)},
		{`{"event_id":"` + id + `","object_type":"a/b","metric":"c"}`, id, "unknown", eventTime.Truncate(time.Second)},
		{`[]`, "sha256-", "unknown", eventTime.Truncate(time.Second)},
	} {
		r := request([]string{"key"}, "", "", c.body, eventTime)
		r.Header = hook.Sign(r.Body, "key", eventTime)
		e, err := hook.Open(r)
		if err != nil {
			t.Errorf("%s: %v", c.body, err)
			continue
		}
		if !strings.HasPrefix(e.ID, c.id) || e.Type != c.typ || !e.Time.Equal(c.at) {
			t.Errorf("%s: %+v", c.body, e)
		}
		if again, _ := hook.Open(r); again == nil || again.ID != e.ID {
			t.Errorf("%s: read twice it has two ids", c.body)
		}
	}
}

func TestWhatIsNoJSON(t *testing.T) {
	hook := customerio.Spec().Webhook
	for _, body := range []string{"", "hello", `{"event_id":`} {
		r := request([]string{"key"}, "", "", body, eventTime)
		r.Header = hook.Sign(r.Body, "key", eventTime)
		_, err := hook.Open(r)
		if e := refused(err); e.Forged || e.Status != 422 {
			t.Errorf("%q: %v", body, err)
		}
	}
	if hook.Busy != 503 {
		t.Errorf("busy is %d; at 429 the vendor stops for an hour", hook.Busy)
	}
}

// The counts are those of the vendor's list.
func TestEveryEventHasItsTrigger(t *testing.T) {
	counts, groups := map[string]int{}, map[string][]string{}
	for _, tr := range customerio.Spec().Triggers {
		if tr.TypesSetting != "" {
			groups[tr.Name] = tr.Events
			continue
		}
		object := ""
		for _, o := range []string{"customer", "email", "in_app", "push", "slack", "sms", "whatsapp", "webhook"} {
			if strings.HasPrefix(tr.Events[0], o+"_") {
				object = o
			}
		}
		counts[object]++
		if tr.Name != "customerio_"+tr.Events[0] || len(tr.Events) != 1 {
			t.Errorf("%s is fired by %v", tr.Name, tr.Events)
		}
	}
	if diff := cmp.Diff(map[string]int{"customer": 3, "email": 14, "in_app": 8, "push": 11, "slack": 6, "sms": 11, "whatsapp": 12, "webhook": 7}, counts); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for name, want := range map[string]int{"customerio_email_event": 5, "customerio_delivery_failed": 23, "customerio_person_subscription": 3,
		"customerio_message_replied": 2, "customerio_event": 1} {
		if len(groups[name]) != want {
			t.Errorf("%s is fired by %v, want %d", name, groups[name], want)
		}
	}
}

func TestGroupsPromiseOnlyWhatAllHave(t *testing.T) {
	r, err := connectors.NewRegistry(customerio.Spec())
	if err != nil {
		t.Fatal(err)
	}
	emails := r.Trigger("customerio_email_event")
	for name, want := range map[string]bool{"recipient": true, "delivery_id": true, "identifiers": true, "subject": false, "href": false} {
		if f := emails.Payload.Field(name); f == nil || f.Required != want {
			t.Errorf("%s: %+v, want required %v", name, f, want)
		}
	}
	if f := emails.PayloadFor([]string{"email_clicked"}).Field("href"); f == nil || !f.Required {
		t.Errorf("href of clicks: %+v", f)
	}
	if f := emails.Payload.Field("failure_message"); f != nil {
		t.Error("an e-mail that arrived has a failure_message")
	}
	all := r.Trigger("customerio_event").PayloadFor([]string{"*"})
	if f := all.Field("recipient"); f == nil || f.Role != "" || f.Required || f.Type.Format != schema.NoFormat {
		t.Errorf("recipient of any event: %+v", f)
	}
	if f := all.Field("delivery_id"); f == nil || f.Required {
		t.Errorf("delivery_id of any event: %+v", f)
	}
}

func TestSamplesReadLikeTheVendors(t *testing.T) {
	hook := customerio.Spec().Webhook
	body, err := hook.Sample("email_clicked", "01E4C4CT6YDC7Y5M7FE1GWWPQJ", eventTime)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	data, _ := got["data"].(map[string]any)
	names := make([]string, 0, len(data))
	for name := range data {
		names = append(names, name)
	}
	slices.Sort(names)
	want := "action_id campaign_id customer_id delivery_id href identifiers journey_id link_id machine recipient subject trigger_event_id"
	if got["object_type"] != "email" || got["metric"] != "clicked" || got["timestamp"] != float64(stamp) || strings.Join(names, " ") != want {
		t.Errorf("%s", body)
	}
	if again, _ := hook.Sample("email_clicked", "01E4C4CT6YDC7Y5M7FE1GWWPQJ", eventTime); string(again) != string(body) {
		t.Error("the same arguments give another sample")
	}
	if _, err := hook.Sample("email_eaten", "a", eventTime); err == nil {
		t.Error("a type that isn't there has a sample")
	}
}

func FuzzOpen(f *testing.F) {
	hook := customerio.Spec().Webhook
	for _, e := range []string{"email_opened", "customer_unsubscribed", "push_bounced"} {
		body, err := hook.Sample(e, "01E4C4CT6YDC7Y5M7FE1GWWPQJ", eventTime)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(body), "", "")
	}
	f.Add(`{"event_id":1,"object_type":[],"metric":null,"data":"x"}`, "1613063089", "00")
	f.Add(`{"data":{"data":{}}}`, "-1", strings.Repeat("a", 64))
	f.Fuzz(func(t *testing.T, body, stamp, signature string) {
		if _, err := hook.Open(request([]string{"key"}, stamp, signature, body, eventTime)); !refused(err).Forged {
			t.Fatalf("a signature of the fuzzer's was taken: %v", err)
		}
		r := request([]string{"key"}, "", "", body, eventTime)
		r.Header = hook.Sign(r.Body, "key", eventTime)
		e, err := hook.Open(r)
		if err != nil {
			if refused(err).Forged || json.Valid([]byte(body)) && refused(err).Status != 422 {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		if e.ID == "" || e.Type == "" || e.Time.IsZero() || strings.ContainsAny(fmt.Sprint(e.ID, e.Type), " \n\"") {
			t.Errorf("%+v", e)
		}
	})
}
