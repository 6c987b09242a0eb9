package main

// Values for settings that nobody gave, and a transport that can't leave this machine: what dev and a dry run need so
// that they need nothing.

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/schema"
)

// inventor makes values up for environment variables that are not set; the same name gets the same value.
type inventor struct {
	registry *connectors.Registry
	env      func(string) (string, bool)
	text     func(name string) string // what is made up; the same for the same name where that is promised

	mu   sync.Mutex
	made map[string]string
}

func newInventor(r *connectors.Registry, env func(string) (string, bool)) *inventor {
	return &inventor{registry: r, env: env, text: randomText, made: map[string]string{}}
}

func randomText(string) string { return strings.ToLower(rand.Text()) }

// newForger returns an inventor that reads no environment and makes the same of a name each time, for tests.
func newForger(r *connectors.Registry) *inventor {
	v := newInventor(r, func(string) (string, bool) { return "", false })
	v.text = func(name string) string {
		sum := sha256.Sum256([]byte(name))
		return hex.EncodeToString(sum[:13])
	}
	return v
}

// inputs returns where a program's values come from: the environment, and what is made up where it has none.
func (v *inventor) inputs(p *project, vars map[string]string) lang.Inputs {
	fields := v.fields(p.program)
	in := p.inputs(nil, vars)
	in.Env = func(name string) (string, bool) {
		if value, ok := v.env(name); ok && value != "" || strings.HasPrefix(name, "FLOWRUN_VAR_") {
			return value, ok
		}
		f := fields[name]
		return v.value(name, f.field, f.asked)
	}
	read := in.ReadFile
	in.ReadFile = func(name string) ([]byte, error) {
		raw, err := read(name)
		if os.IsNotExist(err) {
			made, _ := v.value("file "+filepath.Base(name), nil, true)
			return []byte(made), nil
		}
		return raw, err
	}
	return in
}

// setting is what an environment variable stands for.
type setting struct {
	field *schema.Field
	asked bool // a connection names the variable, so that it must have a value
}

// fields returns the setting that each environment variable stands for: the documented ones, and those that a
// connection reads by a name of its own.
func (v *inventor) fields(p *lang.Program) map[string]setting {
	fields := map[string]setting{}
	for _, name := range v.registry.ServiceNames() {
		spec := v.registry.Spec(name)
		for i := range spec.Settings {
			fields[spec.Settings[i].Env] = setting{field: &spec.Settings[i].Field}
		}
	}
	if p == nil {
		return fields
	}
	for _, c := range p.Connections() {
		for name, expr := range c.Settings {
			node, ok := expr.(hclsyntax.Node)
			if !ok {
				continue
			}
			// Visiting never fails: the visitor returns no diagnostics.
			_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
				if call, ok := n.(*hclsyntax.FunctionCallExpr); ok && call.Name == "env" && len(call.Args) == 1 {
					if arg, diags := call.Args[0].Value(nil); !diags.HasErrors() && arg.Type() == cty.String && arg.IsKnown() && !arg.IsNull() {
						fields[arg.AsString()] = setting{c.Service.Settings.Field(name), true}
					}
				}
				return nil
			})
		}
	}
	return fields
}

// keyPrefix is how a key begins, as its example shows: "sk_test_", "whsec_".
var keyPrefix = regexp.MustCompile(`\b(?:[a-z]+_)+`)

// value returns a made-up value of the field's type; ok is false where the setting's default is better than anything.
func (v *inventor) value(name string, f *schema.Field, asked bool) (value string, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if made, ok := v.made[name]; ok {
		return made, true
	}
	secret := v.text(name)
	switch {
	case f == nil:
		value = "made_up_" + secret
	case !f.Secret && f.Default != "":
		return strings.Trim(f.Default, `"`), asked
	case f.Type.Kind == schema.KindBool, f.Type.Kind == schema.KindNumber, f.Type.Format == schema.URL, len(f.Type.Enum) > 0:
		value = strings.Trim(f.Example, `"`)
		return value, asked && value != ""
	case !f.Secret && f.Type.Kind == schema.KindString && f.Example != "":
		value = strings.Trim(f.Example, `"`) // a name or an address, which nobody takes for a key
	case strings.HasPrefix(f.Example, `"https://`):
		value = f.Example[1:strings.LastIndexByte(f.Example, '/')+1] + secret
	default:
		value = keyPrefix.FindString(f.Example) + secret
	}
	v.made[name] = value
	return value, true
}

// loopbackOnly makes a transport that reaches this machine only, whatever a recipe or the environment says, and the hosts
// that besides allows.
func loopbackOnly(t *http.Transport, besides func(host string) bool) {
	t.Proxy = nil
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		if addr, err := netip.ParseAddr(host); (err != nil || !addr.Unmap().IsLoopback()) && !besides(host) {
			return nil, fmt.Errorf("a sandbox calls nobody but this machine, and the call was for %s", host)
		}
		return dialer.DialContext(ctx, network, address)
	}
	t.DialTLSContext = nil
}
