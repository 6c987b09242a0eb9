package stripe

// The shapes of Stripe's events and objects come from Stripe's own OpenAPI description, by way of catalog.txt. The file
// is text, one paragraph an object and one line a field, and is read where it lies: a start reads the 226 lines that
// name the event types, an object is read when a recipe first looks into it. A compressed or binary form would be half
// as large, and could not be read in a diff when the API's version moves.
//
//	object customer cus_          its name, and how its ids usually begin
//	email? email:5000 ~email       a field: nullable, an e-mail address of at most 5000 characters, of role email
//	id! id:customer               always present, the id of a customer
//	sources page @bank_account|card|source

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/flowrun/flowrun/lang/schema"
)

//go:generate go run -C ../../.ci/tools ./stripegen -o ../../connectors/stripe

//go:embed catalog.txt
var catalogText string

// catalog hands out the shapes. Each has one *schema.Object, however many fields refer to it.
type catalog struct {
	version string
	spec    string // SHA-256 of the description it was made from
	events  []eventType

	operations []operation

	index       func() map[string]string // object → "prefix\nfields…"
	inputIndex  func() map[string]string // operation or >shape → "fields…"
	mu          sync.Mutex
	shapes      map[string]*schema.Object
	pageShapes  map[string]*schema.Object
	inputShapes map[string]*schema.Object
}

// eventType is a vendor's event and the object it carries.
type eventType struct {
	name   string // "charge.failed"
	object string // "charge", or the members of a union joined by "|"
}

// newCatalog reads the header, the event types and the names of the operations.
func newCatalog(text, operations string) *catalog {
	c := &catalog{shapes: map[string]*schema.Object{}, pageShapes: map[string]*schema.Object{}, inputShapes: map[string]*schema.Object{}}
	head, objects, _ := strings.Cut(text, "\n\nobject ")
	c.events = make([]eventType, 0, strings.Count(head, "\nevent "))
	for line := range strings.SplitSeq(head, "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "version":
			c.version = rest
		case "spec":
			c.spec = rest
		case "event":
			name, object, _ := strings.Cut(rest, " ")
			c.events = append(c.events, eventType{name, object})
		}
	}
	c.index = sync.OnceValue(func() map[string]string {
		m := make(map[string]string, 1024)
		for paragraph := range strings.SplitSeq(objects, "\n\nobject ") {
			header, fields, _ := strings.Cut(paragraph, "\n")
			name, prefix, _ := strings.Cut(header, " ")
			m[name] = prefix + "\n" + fields
		}
		return m
	})
	c.readOperations(operations)
	return c
}

// object returns the shape of that name. Its fields are read at their first use.
func (c *catalog) object(name string) *schema.Object {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.shapes[name]
	if o == nil {
		o = schema.LazyObject(name, func() []schema.Field { return c.load(name) })
		c.shapes[name] = o
	}
	return o
}

// page returns the shape of a list as Stripe answers it: the first elements and whether there are more.
func (c *catalog) page(elem schema.Type, of string) *schema.Object {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.pageShapes[of]
	if o == nil {
		o = schema.NewObject("list of "+strings.TrimPrefix(of, "@"),
			schema.Field{Name: "data", Type: elem.ListOf(), Required: true},
			schema.Field{Name: "has_more", Type: schema.Type{Kind: schema.KindBool}, Required: true},
			schema.Field{Name: "object", Type: schema.EnumOf("list"), Required: true},
			schema.Field{Name: "total_count", Type: schema.Type{Kind: schema.KindNumber, Format: schema.Integer}},
			schema.Field{Name: "url", Type: schema.Type{Kind: schema.KindString}, Required: true},
		)
		c.pageShapes[of] = o
	}
	return o
}

// usualPrefix returns how the ids of the object, or of the first member of a union, usually begin, or "".
func (c *catalog) usualPrefix(object string) string {
	paragraph, ok := c.index()[object]
	if !ok {
		object, _, _ = strings.Cut(object, "|")
		paragraph = c.index()[object]
	}
	prefix, _, _ := strings.Cut(paragraph, "\n")
	return prefix
}

// load reads one object's paragraph. The file is generated and a test reads all of it, so that a line that can't be
// read is a broken build.
func (c *catalog) load(name string) []schema.Field {
	paragraph, ok := c.index()[name]
	if !ok {
		panic(fmt.Sprintf("stripe: the catalogue has no object %q", name))
	}
	_, lines, _ := strings.Cut(strings.TrimRight(paragraph, "\n"), "\n")
	fields := make([]schema.Field, 0, strings.Count(lines, "\n")+1)
	for line := range strings.SplitSeq(lines, "\n") {
		if line == "" {
			continue // an object of which the description says nothing
		}
		f, err := c.field(line)
		if err != nil {
			panic(fmt.Sprintf("stripe: object %s of the catalogue: %v", name, err))
		}
		f.Doc, f.Secret = fieldDoc(name, f.Name), secretField(name, f.Name)
		fields = append(fields, f)
	}
	return fields
}

// secretField reports whether a field of an object holds what lets somebody act or pay.
func secretField(object, field string) bool {
	switch field {
	case "client_secret", "secret":
		return true
	case "number", "cvc":
		return object == "issuing.card"
	case "payload":
		return object == "apps.secret"
	}
	return false
}

// field reads a line: NAME[!][?] TYPE [~ROLE].
func (c *catalog) field(line string) (schema.Field, error) {
	line, role, _ := strings.Cut(line, " ~")
	name, typ, ok := strings.Cut(line, " ")
	if !ok {
		return schema.Field{}, fmt.Errorf("line %q has no type", line)
	}
	f := schema.Field{Role: schema.Role(role)}
	name, f.Nullable = strings.CutSuffix(name, "?")
	f.Name, f.Required = strings.CutSuffix(name, "!")
	t, err := c.union(typ)
	if err != nil {
		return f, fmt.Errorf("field %s: %w", f.Name, err)
	}
	f.Type = t
	return f, nil
}

// typ reads a type.
func (c *catalog) typ(s string) (schema.Type, error) {
	if rest, ok := strings.CutPrefix(s, "[]"); ok {
		elem, err := c.typ(rest)
		return elem.ListOf(), err
	}
	if rest, ok := strings.CutPrefix(s, "{}"); ok {
		elem, err := c.typ(rest)
		return elem.MapOf(), err
	}
	if rest, ok := strings.CutPrefix(s, "page "); ok {
		elem, err := c.typ(rest)
		return schema.ObjectType(c.page(elem, rest)), err
	}
	if rest, ok := strings.CutPrefix(s, "search "); ok {
		elem, err := c.typ(rest)
		return schema.ObjectType(searchPage(elem, strings.TrimPrefix(rest, "@"))), err
	}
	if rest, ok := strings.CutPrefix(s, ">"); ok {
		return schema.ObjectType(c.inputShape(rest)), nil
	}
	if rest, ok := strings.CutPrefix(s, "@"); ok {
		return schema.ObjectType(c.object(rest)), nil
	}
	if rest, ok := strings.CutPrefix(s, "enum("); ok {
		return schema.EnumOf(strings.Split(strings.TrimSuffix(rest, ")"), ",")...), nil
	}
	if rest, ok := strings.CutPrefix(s, "id:"); ok {
		return schema.Type{Kind: schema.KindString, Format: schema.ID, Refers: rest, Prefix: promisedPrefix(rest)}, nil
	}
	word, limit, limited := strings.Cut(s, ":")
	t, ok := scalar(word)
	if !ok {
		return schema.Type{}, fmt.Errorf("type %q is not known", s)
	}
	if limited {
		n, err := strconv.Atoi(limit)
		if err != nil {
			return t, fmt.Errorf("type %q: %w", s, err)
		}
		t.Max, t.Runes = n, true
	}
	return t, nil
}

func scalar(word string) (t schema.Type, ok bool) {
	switch word {
	case "string", "base64":
		return schema.Type{Kind: schema.KindString}, true
	case "email":
		return schema.Type{Kind: schema.KindString, Format: schema.Email}, true
	case "url":
		return schema.Type{Kind: schema.KindString, Format: schema.URL}, true
	case "currency":
		return schema.Type{Kind: schema.KindString, Format: schema.Currency}, true
	case "country":
		return schema.Type{Kind: schema.KindString, Format: schema.Country}, true
	case "bool":
		return schema.Type{Kind: schema.KindBool}, true
	case "number":
		return schema.Type{Kind: schema.KindNumber}, true
	case "int":
		return schema.Type{Kind: schema.KindNumber, Format: schema.Integer}, true
	case "minor":
		return schema.Type{Kind: schema.KindNumber, Format: schema.MinorUnit}, true
	case "time":
		return schema.Type{Kind: schema.KindNumber, Format: schema.UnixTime}, true
	case "any":
		return schema.Type{Kind: schema.KindAny}, true
	}
	return schema.Type{}, false
}

// promisedPrefix returns how every id of the object begins, or "" where there are exceptions: a charge may be py_, a
// price may have been a plan, a payment method may be an old card or source, products and coupons take the ids that
// their owner gives them.
func promisedPrefix(object string) string {
	switch object {
	case "customer":
		return "cus_"
	case "payment_intent":
		return "pi_"
	case "setup_intent":
		return "seti_"
	case "invoice":
		return "in_"
	case "subscription":
		return "sub_"
	case "subscription_item":
		return "si_"
	case "subscription_schedule":
		return "sub_sched_"
	case "checkout.session":
		return "cs_"
	case "payment_link":
		return "plink_"
	case "account":
		return "acct_"
	case "balance_transaction":
		return "txn_"
	case "promotion_code":
		return "promo_"
	case "quote":
		return "qt_"
	}
	return ""
}
