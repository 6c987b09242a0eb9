package control

import (
	"testing"

	"github.com/flowrun/flowrun/runtime"
)

func TestLook(t *testing.T) {
	asked := 0
	h := &Handler{cfg: Config{Fields: func(*runtime.Event) []runtime.Field {
		asked++
		return []runtime.Field{{Name: "x", Value: "y"}}
	}}}
	for _, tt := range []struct {
		payload, value string
		looks          bool
	}{
		{`{"customer":"cus_1"}`, "cus_1", true},
		{`{"customer":"cus_12"}`, "cus_1", true},
		{`{"customer":"cus_2"}`, "cus_1", false},
		{`{"customer":"cus\u005f1"}`, "cus_1", true},
		{`{"email":"Jo@X.test"}`, "jo@x.test", true},
		{`{"amount":1e2}`, "100", true},
		{`{"amount":100}`, "1e2", true},
		{`{"amount":1}`, "-5", true},
		{`{"a":"b c"}`, "d e", true},
		{`{"a":true}`, "true", true},
		{`{"a":false}`, "true", false},
		{`{}`, "", true},
		{``, "abc", false},
	} {
		asked = 0
		h.look([]runtime.Field{{Name: "x", Value: tt.value}})(&runtime.Event{Payload: []byte(tt.payload)})
		if (asked == 1) != tt.looks {
			t.Errorf("for %q it looks into %s: %v, want %v", tt.value, tt.payload, asked == 1, tt.looks)
		}
	}
	if h.look(nil) == nil || (&Handler{}).look([]runtime.Field{{}}) != nil {
		t.Error("without anything to narrow by it is another")
	}
}
