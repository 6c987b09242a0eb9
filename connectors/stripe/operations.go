package stripe

// Every operation of the API is an action. What it takes and answers comes from operations.txt, which is made from
// Stripe's description as catalog.txt is and read in the same way: a start reads the 507 lines that name them, the rest
// when a recipe uses one. What a description can't say is added here by rule, and for the best known by hand (see
// handmade.go).
//
//	op refund_create POST /v1/refunds @refund
//	shape refund_create             what it takes
//	amount minor                    optional; with ! it must be given
//	metadata {}string | ""          the empty string unsets it
//	shape >address#1                a shape within others

import (
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

//go:embed operations.txt
var operationsText string

// operation is one line of the table.
type operation struct {
	name   string // "refund_create"
	method string
	path   string // its placeholders are inputs
	answer string // a type in the catalogue's notation, or "pdf"
}

// readOperations reads the lines that name the operations, which are sorted, and prepares the rest.
func (c *catalog) readOperations(text string) {
	head, shapes, _ := strings.Cut(text, "\n\nshape ")
	c.operations = make([]operation, 0, strings.Count(head, "\nop "))
	for line := range strings.SplitSeq(head, "\n") {
		rest, ok := strings.CutPrefix(line, "op ")
		if !ok {
			continue
		}
		var op operation
		op.name, rest, _ = strings.Cut(rest, " ")
		op.method, rest, _ = strings.Cut(rest, " ")
		op.path, op.answer, _ = strings.Cut(rest, " ")
		c.operations = append(c.operations, op)
	}
	c.inputIndex = sync.OnceValue(func() map[string]string {
		m := make(map[string]string, 2048)
		for paragraph := range strings.SplitSeq(shapes, "\n\nshape ") {
			name, fields, _ := strings.Cut(paragraph, "\n")
			m[name] = strings.TrimRight(fields, "\n")
		}
		return m
	})
}

// operation returns the operation of that name.
func (c *catalog) operation(name string) (operation, bool) {
	i, ok := slices.BinarySearchFunc(c.operations, name, func(o operation, name string) int { return strings.Compare(o.name, name) })
	if !ok {
		return operation{}, false
	}
	return c.operations[i], true
}

// action makes an action; nil where there is none of that name.
func (c *catalog) action(name string) *connectors.Action {
	short, ours := strings.CutPrefix(name, "stripe_")
	if !ours {
		return nil
	}
	if help := c.helper(short); help != nil {
		return help
	}
	op, ok := c.operation(short)
	if !ok {
		return nil
	}
	fields := c.inputs(op)
	in := schema.NewObject(name, fields...)
	a := &connectors.Action{Action: schema.Action{
		Name:         name,
		Service:      "stripe",
		Doc:          operationDoc(op),
		In:           in,
		Out:          c.answer(op, nil),
		Effect:       op.effect(),
		Lasting:      op.lasting(in),
		OutMayBeNull: op.mayFindNothing(),
		Emits:        c.emits(op),
	}, Limit: op.limit(), Endpoint: op.endpoint()}
	if in.Field("expand") != nil {
		a.OutSetting = "expand"
		a.OutFor = func(paths []string) (*schema.Object, error) { return c.expanded(op, paths) }
	}
	a.Call = c.caller(op, in)
	a.Example, a.Answer = c.example(op, in, a.Out)
	if op.answer == "pdf" {
		a.Reply = "%PDF-1.4\n"
	}
	return a
}

// effect says whether a repeat is safe. Stripe keeps the answer of each POST under its key; the others do the same
// however often they come.
func (op operation) effect() schema.Effect {
	switch op.method {
	case http.MethodGet:
		return schema.Read
	case http.MethodDelete:
		return schema.Idempotent
	}
	return schema.Keyed
}

// mayFindNothing reports whether the answer is null where Stripe has nothing of that id: a look-up of one thing, and a
// deletion of what is gone already, perhaps by an earlier attempt whose answer was lost.
func (op operation) mayFindNothing() bool {
	switch {
	case op.method == http.MethodDelete, op.name == "invoice_upcoming", op.name == "apps_secret_find":
		return true
	}
	return op.method == http.MethodGet && strings.HasPrefix(op.answer, "@") && strings.Contains(op.path, "{")
}

// lists reports whether the answer is a list that has further pages.
func (op operation) lists() bool {
	return strings.HasPrefix(op.answer, "page ") || strings.HasPrefix(op.answer, "search ")
}

// inputs are the fields of what an operation takes.
func (c *catalog) inputs(op operation) []schema.Field {
	fields := c.inputFields(op.name)
	for i := range fields {
		f := &fields[i]
		f.Doc = inputDoc(op.name, f)
		f.Example = c.inputExample(op.name, f)
	}
	if op.lists() && slices.ContainsFunc(fields, func(f schema.Field) bool { return f.Name == "starting_after" || f.Name == "page" }) {
		fields = append(fields, schema.Field{
			Name: "all", Type: schema.Type{Kind: schema.KindBool}, Example: "true",
			Doc: fmt.Sprintf("Fetch page after page, %d objects at most; has_more then tells whether there are more still", mostListed),
		})
	}
	switch op.name {
	case "customer_update":
		for i := range fields {
			if fields[i].Name == "email" {
				fields[i].Caution = "Stripe sends receipts and invoices to this address from then on"
			}
		}
	case "file_create":
		fields = append(fields, schema.Field{Name: "filename", Type: schema.Type{Kind: schema.KindString, Max: 255}, Example: `"evidence.pdf"`,
			Doc: "What the file is called, with the ending that says what it is"})
	}
	return fields
}

// inputFields reads the paragraph of a shape.
func (c *catalog) inputFields(name string) []schema.Field {
	lines, ok := c.inputIndex()[name]
	if !ok {
		panic(fmt.Sprintf("stripe: the table of operations has no shape %q", name))
	}
	fields := make([]schema.Field, 0, strings.Count(lines, "\n")+1)
	for line := range strings.SplitSeq(lines, "\n") {
		if line == "" {
			continue // an operation that takes nothing
		}
		f, err := c.field(line)
		if err != nil {
			panic(fmt.Sprintf("stripe: shape %s of the operations: %v", name, err))
		}
		f.Secret = secretInput(name, f.Name)
		fields = append(fields, f)
	}
	return fields
}

// inputShape returns the shape of a nested argument.
func (c *catalog) inputShape(name string) *schema.Object {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.inputShapes[name]
	if o == nil {
		short, _, _ := strings.Cut(name, "#")
		o = schema.LazyObject(short, func() []schema.Field {
			fields := c.inputFields(">" + name)
			for i := range fields {
				fields[i].Doc = inputDoc(short, &fields[i])
			}
			return fields
		})
		c.inputShapes[name] = o
	}
	return o
}

// union reads a type that has more than one form: the first, and what else is taken.
func (c *catalog) union(s string) (schema.Type, error) {
	first, rest, more := strings.Cut(s, " | ")
	if first == `""` {
		return schema.EnumOf(""), nil
	}
	t, err := c.typ(first)
	if err != nil || !more {
		return t, err
	}
	or, err := c.union(rest)
	t.Or = &or
	return t, err
}

// secretInput reports whether an argument holds what must not be logged.
func secretInput(shape, name string) bool {
	switch name {
	case "client_secret", "cvc", "payload", "id_number", "ssn_last_4", "account_number":
		return true
	case "number":
		return strings.HasPrefix(shape, ">card#")
	}
	return false
}

// answer returns the shape of the answer, with the fields expanded that are listed; nil where there is nothing to
// answer. A path that can't be expanded counts for nothing here.
func (c *catalog) answer(op operation, expand []string) *schema.Object {
	if o, err := c.expanded(op, expand); err == nil {
		return o
	}
	o, _ := c.expanded(op, nil) // which can't fail: there is nothing to expand
	return o
}

func (c *catalog) caller(op operation, in *schema.Object) connectors.Caller {
	request := newRequest(op.method, op.path)
	request.Rename = map[string]string{"all": ""}
	if op.method == http.MethodGet {
		for _, f := range in.Fields() {
			if !strings.Contains(op.path, "{"+f.Name+"}") && f.Name != "all" {
				request.Query = append(request.Query, f.Name)
			}
		}
	}
	o := &call{request: request, decode: func(k *connectors.Call, body []byte) (cty.Value, error) {
		out := c.answer(op, texts(connectors.Input(k, "expand")))
		if deleted, _ := schema.BoolOf(schema.Lookup(body, "deleted")); deleted && op.method != http.MethodDelete && out.Field("deleted") == nil {
			return cty.NilVal, &connectors.Error{Kind: connectors.KindGone, Message: "the " + spaced(out.Name) + " was deleted at Stripe", Code: "deleted"}
		}
		return decodeAnswer(out, body)
	}}
	if op.mayFindNothing() {
		o.missing = func(*connectors.Call) cty.Value { return cty.NullVal(cty.DynamicPseudoType) }
	}
	switch {
	case op.lists():
		o.limit = maxList
		return &pager{call: o, search: strings.HasPrefix(op.answer, "search ")}
	case op.answer == "pdf":
		o.plain = true
		o.request.Base = filesBase
		o.decode = decodePDF
	case op.name == "file_create":
		request.Base = filesBase
		request.Body = fileBody
		request.ContentType = fileContentType
	}
	return o
}

// texts returns the strings of a list.
func texts(v cty.Value) []string {
	if v.IsNull() || !v.CanIterateElements() {
		return nil
	}
	var out []string
	for it := v.ElementIterator(); it.Next(); {
		if _, s := it.Element(); !s.IsNull() && s.Type() == cty.String {
			out = append(out, s.AsString())
		}
	}
	return out
}
