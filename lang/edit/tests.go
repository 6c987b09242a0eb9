package edit

// Files of tests, *.test.hcl. lang/suite checks them against recipes as the session has last seen them. What may be
// written in each of their blocks is put together as one shape, with the names of steps and of recipes as its enums; what
// is offered, and what is said of a word, is read from that shape.

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/suite"
	"github.com/flowrun/flowrun/lang/syntax"
)

// judged is what was found in a file of tests.
type judged struct {
	diags hcl.Diagnostics
	seen  map[string]*check.Recipe // the recipes that were asked for
	reads bool                     // it reads fixtures, which change unseen
}

// subject is the project as tests see it: recipes with mistakes are not there, and say so themselves.
type subject struct {
	w     *Workspace
	found *judged
	wrong bool // one that was asked for has mistakes
}

var _ suite.Project = (*subject)(nil)

func (s *subject) Recipe(name string) *check.Recipe {
	r, sound := s.w.session.Recipe(name)
	s.found.seen[name] = r
	if r != nil && !sound || r == nil && s.w.files[name+".hcl"] != nil {
		s.wrong = true
		return nil
	}
	return r
}

func (s *subject) Recipes() []*check.Recipe { return s.w.session.Recipes() }

func (s *subject) Variables() []*check.Variable { return s.w.session.Variables() }

// current reports whether what was found still holds.
func (j *judged) current(w *Workspace) bool {
	if j == nil || j.reads {
		return false
	}
	for name, r := range j.seen {
		if now, _ := w.session.Recipe(name); now == nil || now != r {
			return false
		}
	}
	return true
}

// judge checks a file of tests. The recipes have been checked before.
func (w *Workspace) judge(f *file) {
	found := &judged{seen: map[string]*check.Recipe{}}
	f.judged = found
	s := &subject{w: w, found: found}
	o := suite.Options{Program: s, Catalog: w.cat, Kinds: check.FailureKinds()}
	if w.ReadFile != nil {
		o.ReadFile = func(name string) ([]byte, error) {
			found.reads = true
			return w.ReadFile(name)
		}
	}
	_, found.diags = suite.Compile(map[string][]byte{f.name: f.text}, o)
	if s.wrong {
		found.diags = slices.DeleteFunc(found.diags, func(d *hcl.Diagnostic) bool {
			m, _ := diag.MetaOf(d)
			return m.Code == diag.TestOfNothing
		})
	}
}

// bench is a place in a file of tests.
type bench struct {
	w      *Workspace
	name   string
	text   []byte
	c      *cursor
	recipe *check.Recipe // that is tested; nil where it is not known
}

func (w *Workspace) benchAt(name string, text []byte, c *cursor) *bench {
	b := &bench{w: w, name: name, text: text, c: c}
	tested := syntax.TestedRecipe(name)
	if text := b.argument(0, "recipe"); text != "" {
		tested = text
	}
	if len(c.blocks) > 0 {
		if text := b.argument(c.blocks[0].at, "recipe"); text != "" {
			tested = text
		}
	}
	b.recipe, _ = w.session.Recipe(tested)
	return b
}

// argument returns the text that an argument has in the block whose text begins at a byte, or "".
func (b *bench) argument(from int, name string) string {
	depth := 0
	tokens := lex(b.text[from:], b.name)
	for i, tok := range tokens {
		if depth == 0 && isIdent(tok) && string(tok.Bytes) == name && i+3 < len(tokens) && isEqual(tokens[i+1]) &&
			tokens[i+2].Type == hclsyntax.TokenOQuote && tokens[i+3].Type == hclsyntax.TokenQuotedLit {
			return string(tokens[i+3].Bytes)
		}
		if depth += bracket(tok.Type); depth < 0 {
			break
		}
	}
	return ""
}

// path returns the types of the blocks around the cursor, those of expectations with their first label.
func (b *bench) path() []string {
	var out []string
	for _, f := range b.c.blocks {
		word := f.block
		if word == "expect" && len(f.labels) > 0 {
			word += " " + f.labels[0]
		}
		out = append(out, word)
	}
	return out
}

// place is the block around the cursor as syntax.TestDoc knows it; "" at the top.
func (b *bench) place() string {
	if path := b.path(); len(path) > 0 {
		return path[len(path)-1]
	}
	return ""
}

// trigger returns what the recipe listens to under the type of an event block, or nil.
func (b *bench) trigger(typ string) *check.Trigger {
	for _, t := range b.listeners() {
		if t.Spec != nil && t.Spec.Name == typ {
			return t
		}
	}
	return nil
}

// listeners are the triggers that start the recipe, and those that its waits look for.
func (b *bench) listeners() []*check.Trigger {
	if b.recipe == nil {
		return nil
	}
	out := slices.Clone(b.recipe.Triggers)
	for _, n := range slices.Concat(b.recipe.Nodes, b.recipe.OnError) {
		if n.Wait != nil && n.Wait.Event != nil {
			out = append(out, n.Wait.Event)
		}
	}
	return out
}

// step returns the action that the block around the cursor, or one around that, is about, or nil.
func (b *bench) step() *check.Node {
	if b.recipe == nil {
		return nil
	}
	for _, f := range slices.Backward(b.c.blocks) {
		if len(f.labels) == 2 && f.labels[0] == "action" && (f.block == "mock" || f.block == "expect") {
			return suite.Step(b.recipe, check.Action, f.labels[1])
		}
	}
	return nil
}

// shape is what may be written in the block around the cursor: its arguments with their types. It is nil at the top of
// the file, and where nothing is known.
func (b *bench) shape() *schema.Object {
	path := b.path()
	if len(path) == 0 {
		return b.described("", schema.Field{Name: "recipe", Type: oneOf(b.recipes())})
	}
	block := b.c.blocks[len(path)-1]
	switch place := path[len(path)-1]; place {
	case "event":
		if t := b.trigger(label(block, 0)); t != nil {
			return t.Payload
		}
		if t := b.w.cat.Trigger(label(block, 0)); t != nil {
			return t.Payload
		}
		return nil
	case "previous":
		if len(path) > 1 {
			if t := b.w.cat.Trigger(label(b.c.blocks[len(path)-2], 0)); t != nil && t.Previous {
				return t.Payload
			}
		}
		return nil
	default:
		var fields []schema.Field
		for _, name := range syntax.Inside(b.name, path...).Args {
			fields = append(fields, schema.Field{Name: name, Type: b.typeOf(place, name)})
		}
		return b.described(place, fields...)
	}
}

// described makes a shape whose fields have the language's sentences.
func (b *bench) described(place string, fields ...schema.Field) *schema.Object {
	for i := range fields {
		fields[i].Doc = syntax.TestDoc(place, fields[i].Name)
	}
	return schema.NewObject(place, fields...)
}

func label(f frame, n int) string {
	if n < len(f.labels) {
		return f.labels[n]
	}
	return ""
}

func kind(k schema.Kind) schema.Type { return schema.Type{Kind: k} }

func oneOf(values []string) schema.Type { return schema.Type{Kind: schema.KindString, Enum: values} }

func listOf(t schema.Type) schema.Type { return schema.Type{Kind: schema.KindList, Elem: &t} }

func objectOf(o *schema.Object) schema.Type {
	if o == nil {
		return kind(schema.KindAny)
	}
	return schema.Type{Kind: schema.KindObject, Object: o}
}

// typeOf is the type of an argument of the language of tests.
func (b *bench) typeOf(place, arg string) schema.Type {
	switch arg {
	case "recipe":
		return oneOf(b.recipes())
	case "variables":
		return objectOf(b.variables())
	case "start", "advance", "account", "id", "message", "retry_after", "until", "each":
		return kind(schema.KindString)
	case "status", "calls", "retries":
		return kind(schema.KindNumber)
	case "livemode", "timed_out":
		return kind(schema.KindBool)
	case "type":
		return oneOf(b.eventTypes())
	case "event":
		if strings.HasPrefix(place, "expect") {
			return kind(schema.KindNumber)
		}
		return kind(schema.KindString)
	case "kind":
		return oneOf(check.FailureKinds())
	case "outcome":
		return oneOf(suite.Outcomes())
	}
	if b.recipe == nil {
		return kind(schema.KindAny)
	}
	switch arg {
	case "by":
		return oneOf(suite.Stoppers(b.recipe))
	case "step":
		return oneOf(suite.Steps(b.recipe, check.Action))
	case "order":
		return listOf(oneOf(suite.Steps(b.recipe, check.Action)))
	}
	step := b.step()
	if step == nil || step.Action == nil {
		return kind(schema.KindAny)
	}
	switch arg {
	case "result":
		return objectOf(step.Action.Out)
	case "sequence":
		failure := b.described("error", schema.Field{Name: "kind", Type: oneOf(check.FailureKinds())}, schema.Field{Name: "message", Type: kind(schema.KindString)},
			schema.Field{Name: "retry_after", Type: kind(schema.KindString)}, schema.Field{Name: "status", Type: kind(schema.KindNumber)})
		return listOf(objectOf(b.described("mock", schema.Field{Name: "error", Type: objectOf(failure)}, schema.Field{Name: "result", Type: objectOf(step.Action.Out)})))
	case "input":
		return objectOf(step.Action.In)
	case "inputs":
		return listOf(objectOf(step.Action.In))
	}
	return kind(schema.KindAny)
}

// recipes are the names of all recipes.
func (b *bench) recipes() []string {
	var out []string
	for _, r := range b.w.session.Recipes() {
		out = append(out, r.Name)
	}
	return out
}

func (b *bench) variables() *schema.Object {
	var fields []schema.Field
	for _, v := range b.w.session.Variables() {
		if v.Recipe == "" || b.recipe != nil && v.Recipe == b.recipe.Name {
			fields = append(fields, schema.Field{Name: v.Name, Doc: v.Description, Type: kind(schema.KindAny)})
		}
	}
	return schema.NewObject("variables", fields...)
}

// eventTypes are those that the recipe takes through the trigger of the event around the cursor.
func (b *bench) eventTypes() []string {
	var out []string
	n := len(b.c.blocks)
	if n < 2 {
		return nil
	}
	for _, t := range b.listeners() {
		if t.Spec != nil && t.Spec.Name == label(b.c.blocks[n-2], 0) {
			out = append(out, slices.DeleteFunc(slices.Clone(t.Events), func(e string) bool { return e == "*" })...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// within returns the type at the cursor: of the value, or, in an object where a name is written, of the object. It is nil
// where nothing is known.
func (b *bench) within() *schema.Type {
	o := b.shape()
	if o == nil {
		return nil
	}
	f := o.Field(b.c.attr)
	if f == nil {
		return nil
	}
	t := &f.Type
	for i, in := range b.c.inner {
		switch in.kind {
		case '[':
			if t.Kind != schema.KindList || t.Elem == nil {
				return nil
			}
			t = t.Elem
		case 'o':
			if i == len(b.c.inner)-1 && !in.value {
				return t
			}
			switch {
			case t.Kind == schema.KindMap && t.Elem != nil:
				t = t.Elem
			case t.Kind == schema.KindObject && t.Object != nil && t.Object.Field(in.word) != nil:
				t = &t.Object.Field(in.word).Type
			default:
				return nil
			}
		case 'q':
			if i < len(b.c.inner)-1 {
				return nil
			}
		default:
			return nil // an argument of a function
		}
	}
	return t
}
