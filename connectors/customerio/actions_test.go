package customerio_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest/customeriofake"
	"github.com/flowrun/flowrun/connectors/customerio"
	"github.com/flowrun/flowrun/lang/schema"
)

func TestRequestsOfTheSecondVersion(t *testing.T) {
	const id = "(an id of the event's time)"
	entity := func(body string) string { return "POST /api/v2/entity " + body }
	for _, c := range []struct{ action, input, want string }{
		{"customerio_identify", `{"phone":"+15555550100","attributes":{"plan":"pro","gone":null},"update_only":true,"created_at":5}`,
			entity(`{"type":"person","identifiers":{"phone":"+15555550100"},"action":"identify","timestamp":1772600767,"attributes":{"plan":"pro","created_at":5,"_update":true}}`)},
		{"customerio_identify", `{"id":"cus_1","created_at":1700000000}`, `PUT /api/v1/customers/cus_1 {"created_at":1700000000,"_timestamp":1772600767}`},
		{"customerio_delete", `{"phone":"+15555550100"}`, entity(`{"type":"person","identifiers":{"phone":"+15555550100"},"action":"delete"}`)},
		{"customerio_track", `{"phone":"+15555550100","name":"paid","data":{"a":null}}`,
			entity(`{"type":"person","identifiers":{"phone":"+15555550100"},"action":"event","name":"paid","id":"` + id + `","timestamp":1772600767,"attributes":{"a":null}}`)},
		{"customerio_track", `{"phone":"+15555550100","name":"home","type":"screen"}`,
			entity(`{"type":"person","identifiers":{"phone":"+15555550100"},"action":"screen","name":"home","id":"` + id + `","timestamp":1772600767}`)},
		{"customerio_page", `{"email":"jo@example.com","name":"/pricing","data":{"referrer":"x"},"timestamp":7}`,
			entity(`{"type":"person","identifiers":{"email":"jo@example.com"},"action":"page","name":"/pricing","id":"` + id + `","timestamp":7,"attributes":{"referrer":"x"}}`)},
		{"customerio_screen", `{"cio_id":"cio_03","name":"Home"}`,
			entity(`{"type":"person","identifiers":{"cio_id":"03"},"action":"screen","name":"Home","id":"` + id + `","timestamp":1772600767}`)},
		{"customerio_suppress", `{"id":"a\"b"}`, entity(`{"type":"person","identifiers":{"id":"a\"b"},"action":"suppress"}`)},
		{"customerio_unsuppress", `{"email":"jo@example.com"}`, entity(`{"type":"person","identifiers":{"email":"jo@example.com"},"action":"unsuppress"}`)},
		{"customerio_merge", `{"primary":{"id":"a"},"secondary":{"cio_id":"03"}}`,
			entity(`{"type":"person","action":"merge","primary":{"id":"a"},"secondary":{"cio_id":"03"}}`)},
		{"customerio_add_device", `{"id":"a","device_id":"t","platform":"ios","attributes":{"app_version":"2"}}`,
			entity(`{"type":"person","identifiers":{"id":"a"},"action":"add_device","device":{"token":"t","platform":"ios","last_used":1772600767,"attributes":{"app_version":"2"}}}`)},
		{"customerio_delete_device", `{"id":"a","device_id":"t"}`, entity(`{"type":"person","identifiers":{"id":"a"},"action":"delete_device","device":{"token":"t"}}`)},
		{"customerio_identify_object", `{"object_type_id":"1","object_id":"acme","attributes":{"name":"Acme","gone":null},"people":[{"id":"a","attributes":{"role":"admin"}},{"email":"b@example.com"}]}`,
			entity(`{"type":"object","identifiers":{"object_type_id":"1","object_id":"acme"},"action":"identify","attributes":{"gone":null,"name":"Acme"},"cio_relationships":[{"identifiers":{"id":"a"},"relationship_attributes":{"role":"admin"}},{"identifiers":{"email":"b@example.com"}}]}`)},
		{"customerio_identify_object", `{"cio_object_id":"ob1","people":[]}`, entity(`{"type":"object","identifiers":{"cio_object_id":"ob1"},"action":"identify"}`)},
		{"customerio_delete_object", `{"object_type_id":"1","object_id":"acme"}`, entity(`{"type":"object","identifiers":{"object_type_id":"1","object_id":"acme"},"action":"delete"}`)},
		{"customerio_add_people_to_object", `{"object_type_id":"1","object_id":"acme","people":[{"id":"a"}]}`,
			entity(`{"type":"object","identifiers":{"object_type_id":"1","object_id":"acme"},"action":"add_relationships","cio_relationships":[{"identifiers":{"id":"a"}}]}`)},
		{"customerio_remove_people_from_object", `{"object_type_id":"1","object_id":"acme","people":[{"id":"a"}]}`,
			entity(`{"type":"object","identifiers":{"object_type_id":"1","object_id":"acme"},"action":"delete_relationships","cio_relationships":[{"identifiers":{"id":"a"}}]}`)},
		{"customerio_add_relationships", `{"id":"a","objects":[{"object_type_id":"1","object_id":"acme","attributes":{"seat":1}},{"cio_object_id":"ob1"}]}`,
			entity(`{"type":"person","identifiers":{"id":"a"},"action":"add_relationships","cio_relationships":[{"identifiers":{"object_type_id":"1","object_id":"acme"},"relationship_attributes":{"seat":1}},{"identifiers":{"cio_object_id":"ob1"}}]}`)},
		{"customerio_delete_relationships", `{"id":"a","objects":[{"cio_object_id":"ob1"}]}`,
			entity(`{"type":"person","identifiers":{"id":"a"},"action":"delete_relationships","cio_relationships":[{"identifiers":{"cio_object_id":"ob1"}}]}`)},
		{"customerio_add_to_segment", `{"segment_id":7,"ids":["a","b"]}`, `POST /api/v1/segments/7/add_customers {"ids":["a","b"]}`},
		{"customerio_remove_from_segment", `{"segment_id":7,"ids":["jo@example.com"],"id_type":"email"}`,
			`POST /api/v1/segments/7/remove_customers {"ids":["jo@example.com"]}`},
		{"customerio_send_sms", `{"transactional_message_id":"44","identifiers":{"id":"a"},"to":"+15555550100","message_data":{"n":1}}`,
			`POST /v1/send/sms {"transactional_message_id":"44","identifiers":{"id":"a"},"to":"+15555550100","message_data":{"n":1}}`},
		{"customerio_send_push", `{"transactional_message_id":"44","identifiers":{"id":"a"},"to":"all","custom_data":{"k":1},"title":"T"}`,
			`POST /v1/send/push {"transactional_message_id":"44","identifiers":{"id":"a"},"to":"all","title":"T","custom_data":{"k":1}}`},
		{"customerio_send_in_app", `{"transactional_message_id":"44","identifiers":{"cio_id":"a"}}`,
			`POST /v1/send/in_app {"transactional_message_id":"44","identifiers":{"cio_id":"a"}}`},
		{"customerio_send_inbox_message", `{"transactional_message_id":"hello","identifiers":{"id":"a"},"send_at":5}`,
			`POST /v1/send/inbox_message {"transactional_message_id":"hello","identifiers":{"id":"a"},"send_at":5}`},
		{"customerio_trigger_broadcast", `{"broadcast_id":12,"data":{"h":"x"},"emails":["a@example.com"],"email_ignore_missing":true}`,
			`POST /v1/campaigns/12/triggers {"data":{"h":"x"},"emails":["a@example.com"],"email_ignore_missing":true}`},
		{"customerio_trigger_broadcast", `{"broadcast_id":12,"recipients":{"and":[{"segment":{"id":7}}]}}`,
			`POST /v1/campaigns/12/triggers {"recipients":{"and":[{"segment":{"id":7}}]}}`},
		{"customerio_find_person", `{"email":"jo+x@example.com"}`, `GET /v1/customers`},
		{"customerio_person_attributes", `{"customer_id":"a/b"}`, `GET /v1/customers/a%2Fb/attributes`},
		{"customerio_person_segments", `{"customer_id":"a"}`, `GET /v1/customers/a/segments`},
	} {
		t.Run(c.want, func(t *testing.T) {
			b := newBench(t)
			b.do(c.action, c.input)
			got := b.last()
			if strings.Contains(c.want, id) {
				got = withoutID(t, got, id)
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if status := b.fake.Calls()[0].Status; status != 200 && status != 404 {
				t.Errorf("the fake answered %d", status)
			}
		})
	}
}

func TestRefusedBeforeTheirCall(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	many := func(n int) string { return "[" + strings.Repeat(`"a",`, n-1) + `"a"]` }
	for _, c := range []struct{ action, input, want string }{
		{"customerio_page", `{"id":"a","name":" "}`, "name is empty"},
		{"customerio_page", `{"id":"a","name":"n","data":{"d":"` + long(40_000) + `"}}`, "takes 32000"},
		{"customerio_suppress", `{"id":"cio_1"}`, "use cio_id"},
		{"customerio_suppress", `{"phone":"5555"}`, "E.164"},
		{"customerio_suppress", `{"phone":"+"}`, "E.164"},
		{"customerio_suppress", `{"phone":"+12a"}`, "E.164"},
		{"customerio_merge", `{"primary":{"id":"a"},"secondary":{"id":"a"}}`, "the same person"},
		{"customerio_merge", `{"primary":{"id":"a"},"secondary":{"id":""}}`, "secondary: exactly one"},
		{"customerio_add_device", `{"id":"a","device_id":"","platform":"ios"}`, "device_id is empty"},
		{"customerio_add_device", `{"id":"a","device_id":"t","platform":"ios","last_used":1772600767890}`, "not milliseconds"},
		{"customerio_identify_object", `{"object_id":"acme"}`, "object_type_id must be given with object_id"},
		{"customerio_identify_object", `{"cio_object_id":"o","object_type_id":"1"}`, "only with it"},
		{"customerio_identify_object", `{"object_type_id":"1","object_id":"a","attributes":{"` + long(151) + `":1}}`, "takes 150"},
		{"customerio_add_people_to_object", `{"object_type_id":"1","object_id":"a","people":[]}`, "people is empty"},
		{"customerio_add_people_to_object", `{"object_type_id":"1","object_id":"a","people":[{"id":"a"},{"id":""}]}`, "people[1]: exactly one"},
		{"customerio_add_relationships", `{"id":"a","objects":[{"object_id":"b"}]}`, "objects[0]: object_type_id"},
		{"customerio_add_to_segment", `{"segment_id":7,"ids":[]}`, "names 0 people"},
		{"customerio_add_to_segment", `{"segment_id":7,"ids":` + many(1001) + `}`, "names 1001 people"},
		{"customerio_add_to_segment", `{"segment_id":7,"ids":["a",""]}`, "an empty one"},
		{"customerio_add_to_segment", `{"segment_id":0,"ids":["a"]}`, "whole number from 1"},
		{"customerio_send_sms", `{"transactional_message_id":"44","identifiers":{"id":"a"},"to":""}`, "to is empty"},
		{"customerio_send_push", `{"transactional_message_id":"","identifiers":{"id":"a"}}`, "transactional_message_id is empty"},
		{"customerio_trigger_broadcast", `{"broadcast_id":0,"ids":["a"]}`, "whole number from 1"},
		{"customerio_trigger_broadcast", `{"broadcast_id":1,"ids":[]}`, "names 0 people"},
		{"customerio_trigger_broadcast", `{"broadcast_id":1,"emails":` + many(10_001) + `}`, "names 10001 people"},
		{"customerio_identify", `{"id":"a","attributes":{"created_at":1},"created_at":2}`, "created_at"},
		{"customerio_find_person", `{"email":"jo"}`, `holds no "@"`},
	} {
		t.Run(c.action+" "+c.want, func(t *testing.T) {
			b := newBench(t)
			_, err := b.call(c.action, c.input, "k")
			e := connectors.AsError(orNil(err))
			if e.Kind != connectors.KindInvalid || !strings.Contains(e.Message, c.want) || !e.NotSent {
				t.Errorf("%+v, want kind invalid and %q", e, c.want)
			}
			if n := len(b.fake.Calls()); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// Whether a connection batches makes no difference to what becomes of the people.
func TestStateIsTheSameEitherWay(t *testing.T) {
	type state struct {
		People     []customeriofake.Person
		Object     customeriofake.Object
		Events     []customeriofake.Event
		Suppressed bool
		Duplicates int
	}
	run := func(batch string) state {
		b := newBench(t)
		b.conn.Settings["batch"] = []string{batch}
		b.conn.Kept = b.spec.Keep(b.conn)
		for i, step := range [][2]string{
			{"identify", `{"id":"a","attributes":{"plan":"pro"},"created_at":9}`},
			{"identify", `{"id":"nobody","update_only":true}`},
			{"identify", `{"email":"b@example.com","attributes":{"city":"Oslo"}}`},
			{"track", `{"id":"a","name":"paid","data":{"n":1}}`},
			{"page", `{"email":"b@example.com","name":"/"}`},
			{"add_device", `{"id":"a","device_id":"t1","platform":"ios"}`},
			{"add_device", `{"id":"a","device_id":"t2","platform":"android","last_used":5}`},
			{"delete_device", `{"id":"a","device_id":"t1"}`},
			{"identify_object", `{"object_type_id":"1","object_id":"acme","attributes":{"name":"Acme"},"people":[{"id":"a"}]}`},
			{"add_relationships", `{"email":"b@example.com","objects":[{"object_type_id":"1","object_id":"acme","attributes":{"role":"admin"}}]}`},
			{"delete_relationships", `{"id":"a","objects":[{"object_type_id":"1","object_id":"acme"}]}`},
			{"merge", `{"primary":{"id":"a"},"secondary":{"email":"b@example.com"}}`},
			{"suppress", `{"id":"c"}`},
			{"identify", `{"id":"c","attributes":{"plan":"pro"}}`},
			{"identify", `{"id":"d"}`},
			{"delete", `{"id":"d"}`},
			{"add_to_segment", `{"segment_id":7,"ids":["a"]}`},
		} {
			for range 2 { // every one of them can be repeated
				if _, err := b.call("customerio_"+step[0], step[1], fmt.Sprint("key ", i)); err != nil {
					t.Fatalf("%v: %v", step, err)
				}
			}
		}
		s := state{Events: b.fake.Events(), Suppressed: b.fake.Suppressed("c"), Duplicates: b.fake.Duplicates()}
		for _, id := range []string{"a", "b@example.com", "c", "d", "nobody"} {
			if p, ok := b.fake.Person(id); ok {
				s.People = append(s.People, p)
			}
		}
		s.Object, _ = b.fake.Object("1/acme")
		return s
	}
	alone, together := run("false"), run("true")
	if diff := cmp.Diff(alone, together, cmp.Comparer(func(a, b map[string]any) bool { return fmt.Sprint(a) == fmt.Sprint(b) })); diff != "" {
		t.Errorf("batching changes what becomes of it (-alone +together):\n%s", diff)
	}
	if len(alone.People) != 1 || fmt.Sprint(alone.People[0].Attributes) != "map[city:Oslo created_at:9 plan:pro]" ||
		len(alone.People[0].Devices) != 1 || !alone.Suppressed || len(alone.Events) != 2 || alone.Duplicates != 2 ||
		fmt.Sprint(alone.People[0].Segments) != "[7]" {
		t.Errorf("%+v", alone)
	}
}

func TestLookups(t *testing.T) {
	b := newBench(t)
	b.do("customerio_identify", `{"id":"a","attributes":{"email":"jo+x@example.com","plan":"pro","age":7,"unsubscribed":true}}`)
	b.do("customerio_add_device", `{"id":"a","device_id":"t1","platform":"ios"}`)
	b.do("customerio_add_to_segment", `{"segment_id":7,"ids":["a"]}`)
	look := func(action, input string) cty.Value {
		t.Helper()
		res, err := b.call("customerio_"+action, input, "k")
		if err != nil {
			t.Fatalf("%s %s: %v", action, input, err)
		}
		return res.Output
	}
	text := func(v cty.Value) string {
		raw, err := schema.AppendJSON(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	for _, c := range []struct{ action, input, want string }{
		{"find_person", `{"email":"JO+x@example.com"}`, `{"cio_id":"a3000001","email":"jo+x@example.com","id":"a"}`},
		{"find_person", `{"email":"nobody@example.com"}`, `null`},
		{"person_attributes", `{"customer_id":"nobody"}`, `null`},
		{"person_segments", `{"customer_id":"nobody@example.com","id_type":"email"}`, `null`},
		{"person_segments", `{"customer_id":"a3000001","id_type":"cio_id"}`, `{"segments":[{"description":"","id":7,"name":"Segment 7","type":"manual"}]}`},
	} {
		if got := text(look(c.action, c.input)); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.action, c.input, got, c.want)
		}
	}
	who := look("person_attributes", `{"customer_id":"jo+x@example.com","id_type":"email"}`)
	if got := text(who.GetAttr("attributes")); got != `{"age":"7","email":"jo+x@example.com","plan":"pro","unsubscribed":"true"}` {
		t.Errorf("attributes %s", got)
	}
	if !who.GetAttr("unsubscribed").True() || text(who.GetAttr("devices").Index(cty.NumberIntVal(0)).GetAttr("id")) != `"t1"` {
		t.Errorf("%s", text(who))
	}
}

func TestBroadcastsAndMessages(t *testing.T) {
	b := newBench(t)
	start := `{"broadcast_id":2,"ids":["a"]}`
	res, err := b.call("customerio_trigger_broadcast", start, "k")
	if err != nil || !res.Output.GetAttr("id").RawEquals(cty.NumberIntVal(1)) {
		t.Fatalf("%#v, %v", res.Output, err)
	}
	_, err = b.call("customerio_trigger_broadcast", start, "k")
	if e := connectors.AsError(orNil(err)); e.Kind != connectors.KindRateLimited || !e.NotSent {
		t.Errorf("a second start within ten seconds: %+v", e)
	}
	for _, channel := range []string{"sms", "push", "in_app", "inbox_message"} {
		b.do("customerio_send_"+channel, `{"transactional_message_id":"1","identifiers":{"id":"a"}`+
			map[bool]string{true: `,"to":"+15555550100"`}[channel == "sms"]+`}`)
	}
	if len(b.fake.Broadcasts()) != 1 || len(b.fake.Messages()) != 4 || len(b.fake.Emails()) != 0 {
		t.Errorf("%d broadcasts, %d messages", len(b.fake.Broadcasts()), len(b.fake.Messages()))
	}
}

// What a repeat would do at the vendor is what an action's effect says.
func TestEffects(t *testing.T) {
	for _, a := range customerio.Spec().Actions {
		want := schema.Idempotent
		switch name := strings.TrimPrefix(a.Name, "customerio_"); {
		case name == "track" || name == "page" || name == "screen":
			want = schema.Keyed
		case strings.HasPrefix(name, "send_") || name == "trigger_broadcast":
			want = schema.AtMostOnce
		case name == "find_person" || strings.HasPrefix(name, "person_"):
			want = schema.Read
		}
		if a.Effect != want {
			t.Errorf("%s is %s, want %s", a.Name, a.Effect, want)
		}
		if (want == schema.Read) != a.OutMayBeNull {
			t.Errorf("%s: its answer may be null: %v", a.Name, a.OutMayBeNull)
		}
	}
}
