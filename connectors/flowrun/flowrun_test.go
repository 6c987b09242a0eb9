package flowrun_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest"
	"github.com/flowrun/flowrun/connectors/flowrun"
	"github.com/flowrun/flowrun/lang/schema"
)

func TestContract(t *testing.T) { connectortest.Contract(t, flowrun.Spec()) }

// memory keeps values as long as the test runs and says what it was asked for.
type memory struct {
	values map[string][]byte
	added  map[string]int64 // by the increment's id
	sum    int64
	ttl    time.Duration
	err    error
}

func (m *memory) Get(_ context.Context, name string) ([]byte, bool, error) {
	v, ok := m.values[name]
	return v, ok, m.err
}

func (m *memory) Set(_ context.Context, name string, value []byte, ttl time.Duration) error {
	m.values[name], m.ttl = value, ttl
	return m.err
}

func (m *memory) Increment(_ context.Context, _, id string, by int64, ttl time.Duration) (int64, error) {
	if _, ok := m.added[id]; !ok {
		m.added[id] = by
		m.sum += by
	}
	m.ttl = ttl
	return m.sum, m.err
}

func newMemory() *memory { return &memory{values: map[string][]byte{}, added: map[string]int64{}} }

// call makes a call with an input that is given as JSON.
func call(t *testing.T, state connectors.State, action, key, input string) (connectors.Result, error) {
	t.Helper()
	for _, a := range flowrun.Spec().Actions {
		if a.Name != action {
			continue
		}
		in, err := a.In.DecodeJSON([]byte(input))
		if err != nil {
			t.Fatal(err)
		}
		return a.Call.Call(t.Context(), &connectors.Call{Action: a, Conn: &connectors.Conn{Name: "flowrun", State: state}, Input: in, Key: key})
	}
	t.Fatalf("there is no action %s", action)
	return connectors.Result{}, nil
}

func attr(t *testing.T, res connectors.Result, err error) cty.Value {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return res.Output.GetAttr("value")
}

func TestSetAndGet(t *testing.T) {
	m := newMemory()
	res, err := call(t, m, "state_get", "", `{"name": "a"}`)
	if v := attr(t, res, err); !v.IsNull() {
		t.Errorf("what was never kept is %#v", v)
	}
	for _, value := range []string{`{"b":[1,2.5,"x",true,null]}`, `null`, `"text"`, `12345678901234567890`} {
		res, err = call(t, m, "state_set", "", fmt.Sprintf(`{"name": "a", "value": %s, "expires": "1h30m"}`, value))
		if err != nil || res.Output != cty.NilVal {
			t.Fatalf("%#v, %v", res.Output, err)
		}
		if m.ttl != 90*time.Minute {
			t.Errorf("it is kept for %s", m.ttl)
		}
		res, err = call(t, m, "state_get", "", `{"name": "a"}`)
		raw, encodeErr := schema.AppendJSON(nil, attr(t, res, err))
		if encodeErr != nil || string(raw) != value {
			t.Errorf("%s came back as %s, %v", value, raw, encodeErr)
		}
	}
}

func TestIncrementCountsAKeyOnce(t *testing.T) {
	m := newMemory()
	for _, step := range []struct {
		key, input string
		want       int64
	}{
		{"k1", `{"name": "a"}`, 1},
		{"k2", `{"name": "a", "by": 41}`, 42},
		{"k2", `{"name": "a", "by": 41}`, 42},
		{"k3", `{"name": "a", "by": -2}`, 40},
	} {
		res, err := call(t, m, "state_increment", step.key, step.input)
		if v := attr(t, res, err); !v.RawEquals(cty.NumberIntVal(step.want)) {
			t.Errorf("%s %s: %#v, want %d", step.key, step.input, v, step.want)
		}
	}
	if _, err := call(t, m, "state_increment", "k4", `{"name": "a", "within": "7d"}`); err != nil || m.ttl != 7*24*time.Hour {
		t.Errorf("within: %s, %v", m.ttl, err)
	}
}

func TestRefusals(t *testing.T) {
	broken := newMemory()
	broken.err = errors.New("the disk is full")
	broken.values["a"] = []byte(`1`)
	odd := newMemory()
	odd.values["a"] = []byte(`{`)
	for _, c := range []struct {
		name          string
		state         connectors.State
		action, input string
		want          connectors.Kind
	}{
		{"no state", nil, "state_get", `{"name": "a"}`, connectors.KindInvalid},
		{"no name", newMemory(), "state_get", `{"name": ""}`, connectors.KindInvalid},
		{"of flowrun's own", newMemory(), "state_set", `{"name": "flowrun:schedule/a", "value": 1}`, connectors.KindInvalid},
		{"large", newMemory(), "state_set", `{"name": "a", "value": "` + strings.Repeat("x", 64<<10) + `"}`, connectors.KindInvalid},
		{"no duration", newMemory(), "state_set", `{"name": "a", "value": 1, "expires": "soon"}`, connectors.KindInvalid},
		{"no time", newMemory(), "state_increment", `{"name": "a", "within": "0s"}`, connectors.KindInvalid},
		{"too much", newMemory(), "state_increment", `{"name": "a", "by": 1e300}`, connectors.KindInvalid},
		{"broken get", broken, "state_get", `{"name": "a"}`, connectors.KindServer},
		{"broken set", broken, "state_set", `{"name": "a", "value": 1}`, connectors.KindServer},
		{"broken increment", broken, "state_increment", `{"name": "a"}`, connectors.KindServer},
		{"not JSON", odd, "state_get", `{"name": "a"}`, connectors.KindDrift},
		{"a recipe", newMemory(), "recipe_run", `{"recipe": "a"}`, connectors.KindInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := call(t, c.state, c.action, "k", c.input)
			var e *connectors.Error
			if !errors.As(err, &e) || e.Kind != c.want {
				t.Errorf("%v, want kind %s", err, c.want)
			}
		})
	}
}
