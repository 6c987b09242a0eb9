// Package connectortest holds the contract that each service's description must pass, whoever wrote it. What the
// contract can't know is what the vendor really does; the fakes in the folders beneath hold what is known of that.
package connectortest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// Contract fails t for each promise of package connectors that the spec does not keep. It calls every action against a
// recording server on the loopback; nothing leaves the machine. What a local service's actions do is left to its own tests.
func Contract(t *testing.T, spec *connectors.Spec) {
	t.Helper()
	t.Run("spec", func(t *testing.T) { contractSpec(t, spec) })
	t.Run("settings", func(t *testing.T) { contractSettings(t, spec) })
	for _, trigger := range spec.Triggers {
		t.Run(trigger.Name, func(t *testing.T) { contractTrigger(t, spec, trigger) })
	}
	if spec.Webhook != nil {
		t.Run("webhook", func(t *testing.T) { contractWebhook(t, spec) })
	}
	for _, action := range actions(t, spec) {
		t.Run(action.Name, func(t *testing.T) {
			contractShape(t, spec, action)
			if t.Failed() {
				return // the calls would only repeat what is said already
			}
			if !spec.Local {
				contractCalls(t, spec, action)
			}
		})
	}
}

// fewCalled is of how many actions, where a service has hundreds that share their code, the calls are tested.
const fewCalled = 40

// actions returns the actions whose calls are tested: all, or a sample where most are made when they are asked for. Of
// those that are passed over the shape is tested.
func actions(t *testing.T, spec *connectors.Spec) []*connectors.Action {
	out := slices.Clone(spec.Actions)
	every := len(spec.ActionNames)/fewCalled + 1
	for i, name := range spec.ActionNames {
		a := spec.Action(name)
		switch {
		case a == nil || a.Name != name:
			t.Errorf("there is no action %s, which is listed", name)
		case i%every == 0:
			out = append(out, a)
		default:
			contractShape(t, spec, a)
		}
	}
	return out
}

var (
	nameForm = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	envForm  = regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$`)
)

func contractSpec(t *testing.T, spec *connectors.Spec) {
	if !nameForm.MatchString(spec.Name) {
		t.Errorf("name %q: want lower case words", spec.Name)
	}
	if spec.Title == "" {
		t.Error("the title is empty")
	}
	checkDoc(t, "spec", spec.Doc)
	if _, err := connectors.NewRegistry(spec); err != nil {
		t.Errorf("registering: %v", err)
	}
	for class, l := range spec.Limits {
		if l.Rate < 0 || l.Burst < 0 || l.Concurrency < 0 || l.Rate > 0 && l.Burst == 0 || l.Rate == 0 && l.Concurrency == 0 {
			t.Errorf("limit %q: %+v lets nothing through or limits nothing", class, l)
		}
		if l.Unless != "" && !slices.ContainsFunc(spec.Settings, func(s connectors.Setting) bool { return s.Name == l.Unless && s.Default == "" }) {
			t.Errorf("limit %q: there is no setting %s without a default", class, l.Unless)
		}
	}
}

// secretWords mark a setting whose name says that it holds a secret.
var secretWords = regexp.MustCompile(`(^|_)(key|secret|secrets|token|password)$`)

func contractSettings(t *testing.T, spec *connectors.Spec) {
	seen := map[string]bool{}
	for _, s := range spec.Settings {
		if !nameForm.MatchString(s.Name) {
			t.Errorf("setting %q: want lower case words", s.Name)
		}
		checkDoc(t, "setting "+s.Name, s.Doc)
		if s.Type.Kind == 0 {
			t.Errorf("setting %s has no type", s.Name)
		}
		if secretWords.MatchString(s.Name) && !s.Secret {
			t.Errorf("setting %s sounds like a secret and is not marked as one", s.Name)
		}
		checkEnv(t, spec, s, seen)
		if s.Secret && s.Env == "" {
			t.Errorf("setting %s is secret and has no environment variable", s.Name)
		}
		checkValue(t, "setting "+s.Name+" example", &s.Field, s.Example)
		checkValue(t, "setting "+s.Name+" default", &s.Field, s.Default)
	}
}

func checkEnv(t *testing.T, spec *connectors.Spec, s connectors.Setting, seen map[string]bool) {
	if s.Env == "" {
		return
	}
	if !envForm.MatchString(s.Env) || !strings.HasPrefix(s.Env, strings.ToUpper(spec.Name)+"_") {
		t.Errorf("setting %s: environment variable %q: want upper case words after %s_", s.Name, s.Env, strings.ToUpper(spec.Name))
	}
	if seen[s.Env] {
		t.Errorf("environment variable %s serves two settings", s.Env)
	}
	seen[s.Env] = true
}

// checkName tests the name of an action or a trigger.
func checkName(t *testing.T, spec *connectors.Spec, name string) {
	t.Helper()
	if !spec.Local && !strings.HasPrefix(name+"_", spec.Name+"_") || !nameForm.MatchString(name) {
		t.Errorf("name %q: want lower case words after %s_", name, spec.Name)
	}
}

func checkDoc(t *testing.T, what, doc string) {
	t.Helper()
	if strings.TrimSpace(doc) == "" {
		t.Errorf("%s has no doc", what)
	}
	if strings.ContainsAny(doc, "\n\r\t") || strings.TrimSpace(doc) != doc {
		t.Errorf("%s: the doc %q is not one clean line", what, doc)
	}
}

// checkValue tests that a literal of a field's description is a value of the field.
func checkValue(t *testing.T, what string, f *schema.Field, literal string) {
	t.Helper()
	if literal == "" {
		return
	}
	if !json.Valid([]byte(literal)) {
		t.Errorf("%s: %q is not JSON", what, literal)
		return
	}
	alone := *f
	alone.Required = true
	if _, err := schema.NewObject("example", alone).DecodeJSON(fmt.Appendf(nil, "{%q:%s}", f.Name, literal)); err != nil {
		t.Errorf("%s: %s is no value of the field: %v", what, literal, err)
	}
}

// contractShape tests what can be tested of an action without calling it.
func contractShape(t *testing.T, spec *connectors.Spec, a *connectors.Action) {
	checkName(t, spec, a.Name)
	if a.Service != spec.Name {
		t.Errorf("service %q, want %q", a.Service, spec.Name)
	}
	checkDoc(t, "action", a.Doc)
	if a.Effect < schema.Read || a.Effect > schema.AtMostOnce {
		t.Error("it has no effect")
	}
	if a.Call == nil {
		t.Error("it has no call")
	}
	if a.In == nil {
		t.Fatal("it has no input shape")
	}
	checkFields(t, "input", a.In, 0)
	for _, group := range a.In.OneOf {
		for _, name := range group {
			if a.In.Field(name) == nil {
				t.Errorf("exactly-one group names %q, which is no input", name)
			}
		}
	}
	if a.Example == "" {
		t.Error("it has no example")
	} else if _, err := a.In.DecodeJSON([]byte(a.Example)); err != nil {
		t.Errorf("the example is no valid input: %v", err)
	}
	checkAnswer(t, a)
	if a.Limit != "" {
		if _, ok := spec.Limits[a.Limit]; !ok {
			t.Errorf("limit %q is no class of the service's", a.Limit)
		}
	}
}

func checkAnswer(t *testing.T, a *connectors.Action) {
	switch {
	case a.Out == nil:
		if a.Answer != "" || a.Reply != "" {
			t.Error("it has an answer and no shape for it")
		}
		return
	case a.Answer == "":
		t.Error("it has a shape for its answer and no answer")
		return
	}
	_, drift, err := a.Out.Decode([]byte(a.Answer), &schema.Paths{All: true})
	if err != nil {
		t.Errorf("decoding the answer: %v", err)
	}
	for _, d := range drift {
		t.Errorf("the answer is not of its shape: %v", d)
	}
}

// checkFields tests the fields of an input. Nested shapes are followed a few levels, since some are endless.
func checkFields(t *testing.T, where string, o *schema.Object, depth int) {
	seen := map[string]bool{}
	for i := range o.Fields() {
		f := &o.Fields()[i]
		what := where + "." + f.Name
		if f.Name == "" || seen[f.Name] {
			t.Errorf("%s: the name is empty or occurs twice", what)
		}
		seen[f.Name] = true
		checkDoc(t, what, f.Doc)
		checkValue(t, what+" example", f, f.Example)
		checkValue(t, what+" default", f, f.Default)
		if f.Type.Kind == 0 {
			t.Errorf("%s has no type", what)
		}
		elem := f.Type
		for elem.Elem != nil {
			elem = *elem.Elem
		}
		if elem.Kind == schema.KindObject && elem.Object != nil && depth < 3 {
			checkFields(t, what, elem.Object, depth+1)
		}
	}
}

// canary ends each secret value of the contract's connection: no error may repeat it.
const canary = "Canary7Q9x"

// connection returns a connection with its texts set from their examples. Addresses that have a default are left to it,
// and so are switches and numbers.
func connection(t *testing.T, spec *connectors.Spec) *connectors.Conn {
	conn := &connectors.Conn{Name: spec.Name, Service: spec.Name, Settings: map[string][]string{}}
	for _, s := range spec.Settings {
		if s.Type.Format == schema.URL && s.Default != "" || s.Type.Kind == schema.KindBool || s.Type.Kind == schema.KindNumber {
			continue
		}
		values := literals(t, s)
		if s.Secret {
			for i := range values {
				values[i] += canary
			}
		}
		conn.Settings[s.Name] = values
	}
	return conn
}

// literals returns the setting's example, or else its default, as texts; of a secret without either, a made-up one.
func literals(t *testing.T, s connectors.Setting) []string {
	source := s.Example
	if source == "" {
		source = s.Default
	}
	if source == "" {
		if s.Secret {
			return []string{"secret"}
		}
		return nil
	}
	var v any
	if err := json.Unmarshal([]byte(source), &v); err != nil {
		t.Fatalf("setting %s: example: %v", s.Name, err)
	}
	if list, ok := v.([]any); ok {
		var out []string
		for _, e := range list {
			out = append(out, fmt.Sprint(e))
		}
		return out
	}
	return []string{fmt.Sprint(v)}
}

// theCall returns the call that the contract makes of an action.
func theCall(t *testing.T, spec *connectors.Spec, a *connectors.Action) connectors.Call {
	in, err := a.In.DecodeJSON([]byte(a.Example))
	if err != nil {
		t.Fatalf("example: %v", err)
	}
	return connectors.Call{
		Action: a, Conn: connection(t, spec), Input: in,
		Key: strings.Repeat("0123456789abcdef", 4), Run: "run_1", EventID: "evt_1",
		EventTime: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
	}
}
