package lang_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/langtest"
)

const recipe = `
trigger "stripe_charge_failed" {}

action "stripe_webhook_endpoint_update" {
  url   = "https://example.com"
  token = var.token
}
`

func bind(t *testing.T, text string, in lang.Inputs) (*lang.Bindings, []string) {
	t.Helper()
	p, diags := lang.CompileFiles(langtest.Files("a.hcl", []byte(text)), langtest.Catalog())
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	b, diags := p.Bind(in)
	var got []string
	for _, d := range diags {
		m, _ := diag.MetaOf(d)
		if err := langtest.InFile(p.Files(), d); err != nil {
			t.Error(err)
		}
		got = append(got, string(m.Code)+" "+d.Detail)
	}
	return b, got
}

func env(pairs ...string) func(string) (string, bool) {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
}

func TestBindConnections(t *testing.T) {
	text := `
-- flowrun.hcl --
variable "token" {
  sensitive = true
  default   = "tok_1"
}

connection "stripe" {
  api_key        = file("key")
  webhook_secret = [env("NEW"), env("OLD")]
  timeout        = env("TIMEOUT")
  test           = null
}
-- a.hcl --` + recipe
	b, diags := bind(t, text, lang.Inputs{
		Env: env("NEW", "whsec_new", "OLD", "whsec_old", "TIMEOUT", "2.50"),
		ReadFile: func(path string) ([]byte, error) {
			if path != "key" {
				return nil, errors.New("no such file")
			}
			return []byte("sk_test_1"), nil
		},
	})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	want := map[string][]string{"api_key": {"sk_test_1"}, "webhook_secret": {"whsec_new", "whsec_old"}, "timeout": {"2.5"}}
	if d := cmp.Diff(want, b.Connections[0].Settings); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"sk_test_1", "tok_1", "whsec_new", "whsec_old"}, b.Secrets); d != "" {
		t.Error(d)
	}
	if _, secret := eval.Unmark(b.Vars["a"]); !secret {
		t.Error("a sensitive variable is not marked")
	}
}

func TestBindImpliedConnection(t *testing.T) {
	text := strings.Replace(recipe, "var.token", `"t"`, 1)
	b, diags := bind(t, text, lang.Inputs{Env: env("STRIPE_API_KEY", "sk", "STRIPE_WEBHOOK_SECRET", "whsec_a, whsec_b")})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	want := map[string][]string{"api_key": {"sk"}, "webhook_secret": {"whsec_a", "whsec_b"}}
	if d := cmp.Diff(want, b.Connections[0].Settings); d != "" {
		t.Error(d)
	}
}

func TestBindVariables(t *testing.T) {
	text := `
-- flowrun.hcl --
variable "n" {
  type = number
}

variable "plans" {
  type    = map(list(string))
  default = {}
}

variable "token" {
  default = env("TOKEN")
}
-- a.hcl --
variable "n" {
  type    = string
  default = "own"
}
` + recipe + `
-- b.hcl --` + recipe
	given := lang.Inputs{
		Env:  env("FLOWRUN_VAR_n", "12", "TOKEN", "t", "STRIPE_API_KEY", "sk", "STRIPE_WEBHOOK_SECRET", "w"),
		Vars: map[string]string{"plans": `{"pro": ["a"], "free": []}`},
	}
	b, diags := bind(t, text, given)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if got := b.Vars["b"].GetAttr("n"); !got.RawEquals(cty.NumberIntVal(12)) {
		t.Errorf("the project's n is %#v", got)
	}
	if got := b.Vars["a"].GetAttr("n"); !got.RawEquals(cty.StringVal("12")) {
		t.Errorf("the recipe's n is %#v", got)
	}
	if got := b.Vars["a"].GetAttr("plans").Index(cty.StringVal("pro")); !got.RawEquals(cty.ListVal([]cty.Value{cty.StringVal("a")})) {
		t.Errorf("plans.pro is %#v", got)
	}
}

func TestBindMistakes(t *testing.T) {
	good := map[string]string{"STRIPE_API_KEY": "sk", "STRIPE_WEBHOOK_SECRET": "w"}
	for _, c := range []struct {
		name, config string
		env          map[string]string
		vars         map[string]string
		want         string
	}{
		{"missing variable", `variable "token" {}`, good, nil, `FR4005 "token" has no default.*FLOWRUN_VAR_token.*-var token=`},
		{"wrong type", "variable \"token\" {\n type = number\n}", good, map[string]string{"token": "x"}, `FR4006 .*given by name, must be number`},
		{"bad syntax", "variable \"token\" {\n default = \"a\"\n}\nvariable \"m\" {\n type = map(string)\n}", good, map[string]string{"m": "{a"}, `FR4006 .*not well-formed HCL or JSON`},
		{"validation", "variable \"token\" {\n default = \"a\"\n validation {\n condition = length(var.token) > 3\n error_message = \"${var.token} is short.\"\n }\n}", good, nil, `FR4006 .*refused: a is short\.`},
		{"env in default", "variable \"token\" {\n default = env(\"NONE\")\n}", good, nil, `FR4006 .*variable NONE is not set`},
		{"no secret", "variable \"token\" {\n default = \"a\"\n}", map[string]string{"STRIPE_API_KEY": "sk"}, nil, `FR4008 .*receives webhooks and needs "webhook_secret"\. Set the environment variable STRIPE_WEBHOOK_SECRET.*flowrun dev`},
		{"no key", "variable \"token\" {\n default = \"a\"\n}", map[string]string{"STRIPE_WEBHOOK_SECRET": "w"}, nil, `FR4008 .*needs "api_key"\. Set the environment variable STRIPE_API_KEY`},
		{"unset", "variable \"token\" {\n default = \"a\"\n}\nconnection \"stripe\" {\n api_key = env(\"K\")\n webhook_secret = \"w\"\n}", nil, nil, `FR4008 "api_key" of the connection "stripe" can't be had: the environment variable K is not set`},
		{"empty", "variable \"token\" {\n default = \"a\"\n}\nconnection \"stripe\" {\n api_key = \"k\"\n webhook_secret = \"\"\n}", nil, nil, `FR4008 .*Write webhook_secret = env\("STRIPE_WEBHOOK_SECRET"\)`},
		{"not a number", "variable \"token\" {\n default = \"a\"\n}\nconnection \"stripe\" {\n api_key = \"k\"\n webhook_secret = \"w\"\n timeout = env(\"T\")\n}", map[string]string{"T": "soon"}, nil, `FR4008 .*timeout must be a number`},
		{"through a variable", "variable \"token\" {}\nconnection \"stripe\" {\n api_key = var.token\n webhook_secret = \"w\"\n}", nil, nil, `FR4005 `},
	} {
		t.Run(c.name, func(t *testing.T) {
			look := maps.Clone(c.env)
			_, got := bind(t, "-- flowrun.hcl --\n"+c.config+"\n-- a.hcl --"+recipe, lang.Inputs{
				Env:  func(name string) (string, bool) { v, ok := look[name]; return v, ok },
				Vars: c.vars,
			})
			if len(got) != 1 || !matches(c.want, got[0]) {
				t.Errorf("got %q, want one like %q", got, c.want)
			}
		})
	}
}

// FuzzVariableText: whatever text is given for a variable, Bind does not panic, and a value it takes is of the type.
func FuzzVariableText(f *testing.F) {
	for _, text := range []string{"", "12", "true", `{"a": [1]}`, `{ a = [1, 2] }`, "[1, null]", "1e999999999", "{a", `"${a}"`, "[[[[[[[[[[", "{ for k in [1] : k => k }"} {
		f.Add(text)
	}
	const config = `
variable "s" { type = string }
variable "n" { type = number }
variable "b" { type = bool }
variable "l" { type = list(string) }
variable "o" { type = map(object({ a = optional(number) })) }
variable "a" { type = any }
`
	p, diags := lang.CompileFiles(map[string][]byte{"flowrun.hcl": []byte(strings.ReplaceAll(strings.ReplaceAll(config, "{ type", "{\n type"), " }\n", "\n}\n"))}, langtest.Catalog())
	if diags.HasErrors() {
		f.Fatal(diags)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, v := range p.Variables() {
			_, diags := p.Bind(lang.Inputs{Vars: map[string]string{v.Name: text}})
			for _, d := range diags {
				if err := langtest.InFile(p.Files(), d); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
