package connectors_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// many is a service that makes its actions when they are asked for, and counts how often it does.
func many(made *atomic.Int32) *connectors.Spec {
	build := func(name string) *connectors.Action {
		return &connectors.Action{Action: schema.Action{Name: name, Service: "many"}, Call: connectors.Func(
			func(context.Context, *connectors.Call) (connectors.Result, error) {
				return connectors.Result{Status: 200}, nil
			})}
	}
	return &connectors.Spec{
		Name: "many", Actions: []*connectors.Action{build("many_b")}, ActionNames: []string{"many_a", "many_c"},
		Action: func(name string) *connectors.Action {
			made.Add(1)
			if name != "many_a" && name != "many_c" {
				return nil
			}
			return build(name)
		},
	}
}

func TestRegistryMakesActionsOnce(t *testing.T) {
	var made atomic.Int32
	r, err := connectors.NewRegistry(many(&made))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.ActionNames(); !slices.Equal(got, []string{"many_a", "many_b", "many_c"}) {
		t.Errorf("names %q", got)
	}
	if n := made.Load(); n != 0 {
		t.Errorf("%d actions were made before any was asked for", n)
	}
	var wg sync.WaitGroup
	got := make([]*connectors.Action, 8)
	for i := range got {
		wg.Go(func() { got[i] = r.Caller("many_c") })
	}
	wg.Wait()
	for _, a := range got {
		if a == nil || a != got[0] || r.Action("many_c") != &a.Action {
			t.Error("an action is another one each time")
		}
	}
	if n := made.Load(); n != 1 {
		t.Errorf("an action was made %d times", n)
	}
	if r.Caller("many_b") == nil || r.Caller("many_d") != nil || r.Action("many_d") != nil {
		t.Error("what is there is not, or the reverse")
	}
}

func TestRegistryRefusesTwoOfOneName(t *testing.T) {
	var made atomic.Int32
	s := many(&made)
	s.ActionNames = append(s.ActionNames, "many_b")
	if _, err := connectors.NewRegistry(s); err == nil || !strings.Contains(err.Error(), `action "many_b" is registered twice`) {
		t.Errorf("%v", err)
	}
}

func TestWrap(t *testing.T) {
	var made, called atomic.Int32
	s := many(&made)
	s.Wrap(func(a *connectors.Action, inner connectors.Caller) connectors.Caller {
		return connectors.Func(func(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
			called.Add(1)
			return inner.Call(ctx, c)
		})
	})
	r, err := connectors.NewRegistry(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range r.ActionNames() {
		if res, err := r.Caller(name).Call.Call(t.Context(), nil); err != nil || res.Status != 200 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := called.Load(); n != 3 {
		t.Errorf("%d of 3 actions are wrapped", n)
	}
	if s.Action("many_d") != nil {
		t.Error("wrapping made an action")
	}
}

func TestBindKeepsWhatTheServiceMakes(t *testing.T) {
	r, err := connectors.NewRegistry(
		&connectors.Spec{Name: "keeps", Keep: func(c *connectors.Conn) any { return c.Name + " kept" }},
		&connectors.Spec{Name: "plain"})
	if err != nil {
		t.Fatal(err)
	}
	for service, want := range map[string]any{"keeps": "here kept", "plain": nil, "unknown": nil} {
		c := &connectors.Conn{Name: "here", Service: service}
		if r.Bind(c); c.Kept != want {
			t.Errorf("%s: kept %v, want %v", service, c.Kept, want)
		}
	}
}
