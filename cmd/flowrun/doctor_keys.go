package main

// What a key must be allowed, what it is, and what it is beyond need. A restricted key does not tell what it may do; it is
// asked, one resource after the other, and what no harmless exchange tells is said to be unknown.

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/eval"
)

// keysTimeout is how long asking what a key may do takes at most.
const keysTimeout = 2 * time.Minute

// need is one thing that a key must be allowed.
type need struct {
	Resource string   `json:"resource"`
	Access   string   `json:"access"`       // "read" or "write"
	ID       string   `json:"id,omitempty"` // the vendor's name for it
	For      []string `json:"for"`          // what needs it: actions, and what flowrun does itself
	State    string   `json:"state"`        // "allowed", "missing", "unknown", or "not asked"
	Why      string   `json:"why,omitempty"`

	permission connectors.Permission
}

func (n *need) line() string {
	text := n.permission.String() + " (" + strings.Join(n.For, ", ") + ")"
	if n.ID != "" {
		text += " " + n.ID
	}
	return text
}

// keys says what the connection's key is and what it must be allowed, and asks for it where it can be asked.
func (x *patient) keys(ctx context.Context, reached bool) {
	k := x.spec.Keys
	needs := x.needs()
	_, all := k.Kind(x.conn)
	if all && x.conn.Setting(k.Setting) != "" {
		x.add("note", "%s is a secret key, which may do everything; a restricted key with the permissions below would do", k.Setting)
	}
	if reached && !all {
		ctx, cancel := context.WithTimeout(ctx, keysTimeout)
		defer cancel()
		x.askNeeds(ctx, needs)
		x.askExcess(ctx, needs)
	}
	if len(needs) == 0 {
		return
	}
	f := finding{Connection: x.c.Name, Grade: "note", Text: "what a restricted key must be allowed, and where one is made"}
	var list []connectors.Permission
	for i := range needs {
		list = append(list, needs[i].permission)
		f.Permissions = append(f.Permissions, needs[i].line())
		f.Needs = append(f.Needs, needs[i])
	}
	f.Link = k.Link(x.conn, list)
	x.found = append(x.found, f)
}

// needs returns what the key must be allowed, sorted; to write includes to read.
func (x *patient) needs() []need {
	known := map[connectors.Permission][]string{}
	add := func(p connectors.Permission, why string) {
		if p.Resource != "" && !slices.Contains(known[p], why) {
			known[p] = append(known[p], why)
		}
	}
	for _, r := range x.p.Recipes() {
		if r.Disabled {
			continue
		}
		for _, n := range slices.Concat(r.Nodes, r.OnError) {
			if n.Kind != check.Action || n.Calls != "" || n.Connection != x.c.Name {
				continue
			}
			why := n.Action.Name
			if n.Latest != nil {
				why = "latest"
			}
			for _, p := range x.spec.Keys.Needs(n.Action.Name, saysMore(n)) {
				add(p, why)
			}
		}
	}
	if x.listens() {
		add(x.spec.Keys.Own["history"], "so that no event is missed")
		add(x.spec.Keys.Own["endpoints"], "webhooks apply, serve -register")
	}
	var out []need
	for p, why := range known {
		if write := (connectors.Permission{Resource: p.Resource, Write: true, ID: writeID(p.ID)}); !p.Write && known[write] != nil {
			continue
		}
		slices.Sort(why)
		n := need{Resource: p.Resource, Access: "read", ID: p.ID, For: why, State: "not asked", permission: p}
		if p.Write {
			n.Access = "write"
		}
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b need) int { return strings.Compare(a.permission.String(), b.permission.String()) })
	return out
}

// writeID is the name of the permission to write beside one to read.
func writeID(id string) string {
	if rest, ok := strings.CutSuffix(id, "_read"); ok {
		return rest + "_write"
	}
	return id
}

// saysMore returns what the argument holds that says more of an action's answer; the checker has it written out.
func saysMore(n *check.Node) []string {
	var out []string
	for _, in := range n.Inputs {
		if n.Action.OutSetting == "" || in.Field.Name != n.Action.OutSetting {
			continue
		}
		v, err := eval.NewScope(eval.Table(), nil).Value(in.Expr)
		if err != nil || v.IsNull() || !v.CanIterateElements() {
			continue
		}
		for it := v.ElementIterator(); it.Next(); {
			if _, e := it.Element(); !e.IsNull() && e.Type() == cty.String {
				out = append(out, e.AsString())
			}
		}
	}
	return out
}

// askNeeds asks for what the recipes need, and says what is lacking.
func (x *patient) askNeeds(ctx context.Context, needs []need) {
	lacking := finding{Connection: x.c.Name, Grade: "bad", Text: "the key is not allowed what the recipes need"}
	untold := finding{Connection: x.c.Name, Grade: "note", Text: "whether the key is allowed this can't be told"}
	for i := range needs {
		n := &needs[i]
		access, why := x.spec.Keys.Ask(ctx, x.conn, n.permission)
		n.Why = x.hide.hide(why)
		line := n.line()
		if n.Why != "" {
			line += ": " + n.Why
		}
		switch access {
		case connectors.Allowed:
			n.State = "allowed"
		case connectors.Denied:
			n.State = "missing"
			lacking.Permissions = append(lacking.Permissions, line)
		default:
			n.State = "unknown"
			untold.Permissions = append(untold.Permissions, line)
		}
	}
	for _, f := range []finding{lacking, untold} {
		if len(f.Permissions) > 0 {
			x.found = append(x.found, f)
		}
	}
	if len(needs) > 0 && len(lacking.Permissions)+len(untold.Permissions) == 0 {
		x.add("ok", "the key is allowed all that the recipes need")
	}
}

// askExcess asks for what the recipes don't need: to read anything else, and to write what they only read.
func (x *patient) askExcess(ctx context.Context, needs []need) {
	beyond := finding{Connection: x.c.Name, Grade: "note", Text: "the key is allowed more than the recipes need; what it may do with each resource beyond reading is not asked"}
	untold := 0
	ask := func(p connectors.Permission) {
		switch access, _ := x.spec.Keys.Ask(ctx, x.conn, p); access {
		case connectors.Allowed:
			beyond.Permissions = append(beyond.Permissions, p.String())
		case connectors.NotTold:
			untold++
		}
	}
	for _, p := range x.spec.Keys.All() {
		i := slices.IndexFunc(needs, func(n need) bool { return n.Resource == p.Resource })
		switch {
		case i < 0:
			ask(p)
		case !needs[i].permission.Write:
			ask(connectors.Permission{Resource: p.Resource, Write: true, ID: writeID(p.ID)})
		}
	}
	if len(beyond.Permissions) > 0 {
		slices.Sort(beyond.Permissions)
		x.found = append(x.found, beyond)
	}
	if untold > 0 {
		x.add("note", "of %s more it can't be told whether the key is allowed them", fmt.Sprintf("%d resources", untold))
	}
}

// permissions returns what a connection's key must be allowed, sorted, with what for.
func permissions(spec *connectors.Spec, p *lang.Program, connection string) []string {
	if spec.Keys == nil {
		return nil
	}
	x := &patient{spec: spec, p: p, c: lang.BoundConnection{Name: connection}}
	var out []string
	for _, n := range x.needs() {
		out = append(out, n.permission.String()+" ("+strings.Join(n.For, ", ")+")")
	}
	return out
}
