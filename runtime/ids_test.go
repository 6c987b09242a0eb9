package runtime_test

import (
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/runtime"
)

func TestAwaitKeyIsOneForEqualValues(t *testing.T) {
	long := strings.Repeat("x", 100)
	for raw, v := range map[string]cty.Value{
		`"cus_1"`:               cty.StringVal("cus_1"),
		`"caf\u0065\u0301"`:     cty.StringVal("caf\u00e9"),
		`1`:                     cty.NumberIntVal(1),
		`1.0`:                   cty.NumberIntVal(1),
		`1e2`:                   cty.NumberIntVal(100),
		` true`:                 cty.True,
		`{"id":"cus_1","x":[]}`: cty.StringVal("cus_1"),
		`"` + long + `"`:        cty.StringVal(long),
	} {
		got, ok := runtime.AwaitKeyOf([]byte(raw))
		want, ok2 := runtime.AwaitKey(v)
		if !ok || !ok2 || got != want || len(got) > 64 {
			t.Errorf("%s: %q %v, of the value %q %v", raw, got, ok, want, ok2)
		}
	}
	for _, raw := range []string{``, `null`, `[]`, `{}`, `{"id":null}`} {
		if key, ok := runtime.AwaitKeyOf([]byte(raw)); ok {
			t.Errorf("%s has the key %q", raw, key)
		}
	}
	if _, ok := runtime.AwaitKey(cty.NullVal(cty.String)); ok {
		t.Error("null has a key")
	}
	one, _ := runtime.AwaitKey(cty.StringVal("1"))
	if two, _ := runtime.AwaitKey(cty.NumberIntVal(1)); one == two {
		t.Error(`"1" and 1 have the same key`)
	}
}

func TestRekey(t *testing.T) {
	key := runtime.StepKey("r", "acme", "evt_1", "action.a", "", 0)
	seen := map[string]bool{key: true}
	if runtime.Rekey(key, "a", 0) != key {
		t.Error("the 0th key is another")
	}
	for _, k := range []string{runtime.Rekey(key, "a", 1), runtime.Rekey(key, "a", 2), runtime.Rekey(key, "b", 1)} {
		if seen[k] || len(k) != len(key) {
			t.Errorf("key %s", k)
		}
		seen[k] = true
	}
}
