package endpoints_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/runtime/endpoints"
)

// vendor is an account's endpoints in memory.
type vendor struct {
	list []connectors.Endpoint
	made int
	did  []string
	fail string // the operation that fails
}

func (v *vendor) api() *connectors.Endpoints {
	act := func(what, id string) error {
		if v.fail == what {
			return errors.New("no")
		}
		v.did = append(v.did, what+" "+id)
		return nil
	}
	return &connectors.Endpoints{APIVersion: "v2", Most: 3,
		List: func(context.Context, *connectors.Conn) ([]connectors.Endpoint, error) {
			return slices.Clone(v.list), nil
		},
		Create: func(_ context.Context, _ *connectors.Conn, e connectors.Endpoint) (connectors.Endpoint, error) {
			v.made++
			e.ID = fmt.Sprintf("new%d", v.made)
			v.list = append(v.list, e)
			e.Secret = "s_" + e.ID
			return e, act("create", e.ID)
		},
		Update: func(_ context.Context, _ *connectors.Conn, e connectors.Endpoint) (connectors.Endpoint, error) {
			for i := range v.list {
				if v.list[i].ID == e.ID {
					v.list[i] = e
				}
			}
			return e, act("update", e.ID)
		},
		Delete: func(_ context.Context, _ *connectors.Conn, id string) error {
			v.list = slices.DeleteFunc(v.list, func(e connectors.Endpoint) bool { return e.ID == id })
			return act("delete", id)
		},
	}
}

func want() endpoints.Want {
	return endpoints.Want{Instance: "prod", Connection: "pay", URL: "https://h/webhooks/pay", Events: []string{"a", "b"}}
}

func right(id string) connectors.Endpoint {
	return connectors.Endpoint{ID: id, URL: "https://h/webhooks/pay", Events: []string{"a", "b"}, APIVersion: "v2", Instance: "prod", Connection: "pay"}
}

func with(e connectors.Endpoint, change func(*connectors.Endpoint)) connectors.Endpoint {
	change(&e)
	return e
}

func TestMake(t *testing.T) {
	foreign := connectors.Endpoint{ID: "other", URL: "https://x", Events: []string{"*"}}
	for name, c := range map[string]struct {
		have []connectors.Endpoint
		want func(*endpoints.Want)
		did  []string
	}{
		"none":             {did: []string{"create new1"}},
		"right":            {have: []connectors.Endpoint{right("e1")}},
		"events":           {have: []connectors.Endpoint{with(right("e1"), func(e *connectors.Endpoint) { e.Events = []string{"a", "c"} })}, did: []string{"update e1"}},
		"URL":              {have: []connectors.Endpoint{with(right("e1"), func(e *connectors.Endpoint) { e.URL = "https://old/webhooks/pay" })}, did: []string{"update e1"}},
		"disabled":         {have: []connectors.Endpoint{with(right("e1"), func(e *connectors.Endpoint) { e.Disabled = true })}, did: []string{"update e1"}},
		"version":          {have: []connectors.Endpoint{with(right("e1"), func(e *connectors.Endpoint) { e.APIVersion = "v1" })}, did: []string{"create new1", "delete e1"}},
		"connect":          {have: []connectors.Endpoint{right("e1")}, want: func(w *endpoints.Want) { w.Connect = true }, did: []string{"create new1", "delete e1"}},
		"two":              {have: []connectors.Endpoint{right("e1"), right("e2")}, did: []string{"delete e2"}},
		"other instance":   {have: []connectors.Endpoint{with(right("e1"), func(e *connectors.Endpoint) { e.Instance = "staging" })}, did: []string{"create new1"}},
		"other connection": {have: []connectors.Endpoint{with(right("e1"), func(e *connectors.Endpoint) { e.Connection = "eu" })}, did: []string{"create new1"}},
		"foreign":          {have: []connectors.Endpoint{foreign}, did: []string{"create new1"}},
		"no recipe":        {have: []connectors.Endpoint{right("e1"), foreign}, want: func(w *endpoints.Want) { w.Events = nil }, did: []string{"delete e1"}},
		"retired follows": {have: []connectors.Endpoint{right("e2"), with(right("e1"), func(e *connectors.Endpoint) { e.Retired, e.Events = true, []string{"a"} })},
			did: []string{"update e1"}},
		"cut in a rotation": {have: []connectors.Endpoint{with(right("e1"), func(e *connectors.Endpoint) { e.Retired = true })}, did: []string{"create new1"}},
	} {
		t.Run(name, func(t *testing.T) {
			v, w := &vendor{list: c.have}, want()
			if c.want != nil {
				c.want(&w)
			}
			p, err := endpoints.Make(v.api(), w, c.have)
			if err != nil {
				t.Fatal(err)
			}
			keep := func(endpoints.Change, connectors.Endpoint) error { return nil }
			if err := endpoints.Apply(t.Context(), v.api(), &connectors.Conn{}, p, keep); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.did, v.did); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
			again, err := endpoints.Make(v.api(), w, v.list)
			if err != nil || len(again.Changes) > 0 {
				t.Errorf("a second plan: %v, %v; want nothing left to do", again, err)
			}
		})
	}
}

func TestCap(t *testing.T) {
	full := []connectors.Endpoint{{ID: "x1"}, {ID: "x2", Disabled: true}, {ID: "x3"}}
	v := &vendor{list: full}
	_, err := endpoints.Make(v.api(), want(), full)
	if err == nil || !strings.Contains(err.Error(), "has 3 endpoints") || !strings.Contains(err.Error(), "x2") {
		t.Errorf("%v, want the cap and the disabled one named", err)
	}
	if _, err := endpoints.Make(v.api(), want(), []connectors.Endpoint{{ID: "x1"}, {ID: "x3"}, right("e1")}); err != nil {
		t.Errorf("%v, want no need for room", err)
	}
}

func TestSecretThatIsNotKept(t *testing.T) {
	v := &vendor{list: []connectors.Endpoint{with(right("e1"), func(e *connectors.Endpoint) { e.APIVersion = "v1" })}}
	p, err := endpoints.Make(v.api(), want(), v.list)
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("the disk is full")
	err = endpoints.Apply(t.Context(), v.api(), &connectors.Conn{}, p, func(endpoints.Change, connectors.Endpoint) error { return full })
	if !errors.Is(err, full) {
		t.Errorf("%v, want the failure", err)
	}
	if d := cmp.Diff([]string{"create new1", "delete new1"}, v.did); d != "" {
		t.Errorf("the endpoint nobody knows the secret of must go, the old one stay:\n%s", d)
	}
}

func TestRotation(t *testing.T) {
	v := &vendor{list: []connectors.Endpoint{right("e1")}}
	apply := func(p *endpoints.Plan, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if err := endpoints.Apply(t.Context(), v.api(), &connectors.Conn{}, p, func(endpoints.Change, connectors.Endpoint) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	apply(endpoints.MakeRotation(v.api(), want(), v.list))
	if _, err := endpoints.MakeRotation(v.api(), want(), v.list); err == nil {
		t.Error("a second rotation began before the first had ended")
	}
	apply(endpoints.MakeFinish(v.api(), want(), v.list))
	if len(v.list) != 1 || v.list[0].ID != "new1" {
		t.Errorf("%+v is left, want the new one", v.list)
	}
	if _, err := endpoints.MakeFinish(v.api(), want(), v.list); err == nil {
		t.Error("a rotation was finished that had not begun")
	}
}

func TestLacking(t *testing.T) {
	w := want()
	for name, c := range map[string]struct {
		have *connectors.Endpoint
		want string
	}{
		"none":     {nil, "a b"},
		"all":      {&connectors.Endpoint{Events: []string{"*"}}, ""},
		"some":     {&connectors.Endpoint{Events: []string{"b", "c"}}, "a"},
		"disabled": {&connectors.Endpoint{Events: []string{"a", "b"}, Disabled: true}, "a b"},
	} {
		if got := strings.Join(w.Lacking(c.have), " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
