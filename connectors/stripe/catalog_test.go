package stripe

import (
	"slices"
	"strings"
	"testing"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/flowrun/flowrun/lang/schema"
)

func TestCatalogueHeader(t *testing.T) {
	c := newCatalog(catalogText, operationsText)
	if c.version != APIVersion {
		t.Errorf("the catalogue is of version %s, the package of %s", c.version, APIVersion)
	}
	if stripego.APIVersion != APIVersion {
		t.Errorf("Stripe's SDK is of version %s, the package of %s", stripego.APIVersion, APIVersion)
	}
	if len(c.spec) != 64 {
		t.Errorf("spec %q is not a SHA-256", c.spec)
	}
	if len(c.events) != 226 {
		t.Errorf("%d event types, want 226", len(c.events))
	}
	for _, line := range []string{"events 226", "objects 915"} {
		if !strings.Contains(catalogText, "\n"+line+"\n") {
			t.Errorf("the header has no line %q", line)
		}
	}
	if got := len(c.index()); got != 915 {
		t.Errorf("%d objects, want 915", got)
	}
	if !slices.IsSortedFunc(c.events, func(a, b eventType) int { return strings.Compare(a.name, b.name) }) {
		t.Error("the event types are not sorted")
	}
}

// TestEveryObject reads all of the catalogue, since a line that can't be read is found no earlier than at its use.
func TestEveryObject(t *testing.T) {
	c := newCatalog(catalogText, operationsText)
	for name := range c.index() {
		fields := c.object(name).Fields()
		if !slices.IsSortedFunc(fields, func(a, b schema.Field) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("the fields of %s are not sorted or occur twice", name)
		}
		for i := range fields {
			checkType(t, name+"."+fields[i].Name, fields[i].Type)
		}
	}
}

func checkType(t *testing.T, where string, typ schema.Type) {
	t.Helper()
	switch typ.Kind {
	case schema.KindString, schema.KindNumber, schema.KindBool, schema.KindAny:
	case schema.KindList, schema.KindMap:
		if typ.Elem == nil {
			t.Errorf("%s: no element", where)
			return
		}
		checkType(t, where+"[]", *typ.Elem)
	case schema.KindObject:
		if typ.Object == nil {
			t.Errorf("%s: no object", where)
			return
		}
		typ.Object.Fields()
	default:
		t.Errorf("%s: invalid kind", where)
	}
	if typ.Format == schema.ID && typ.Refers == "" {
		t.Errorf("%s: an id of nothing", where)
	}
}

// TestShapes holds facts about fields that recipes lean on, one a line: OBJECT.FIELD, what the type reads as, whether
// it may be null, its role.
func TestShapes(t *testing.T) {
	c := newCatalog(catalogText, operationsText)
	for _, tt := range []struct {
		object, field string
		typ           schema.Type
		null          bool
		role          schema.Role
	}{
		{"charge", "amount", schema.Type{Kind: schema.KindNumber, Format: schema.MinorUnit}, false, schema.RoleAmount},
		{"charge", "created", schema.Type{Kind: schema.KindNumber, Format: schema.UnixTime}, false, schema.RoleCreatedAt},
		{"charge", "currency", schema.Type{Kind: schema.KindString, Format: schema.Currency}, false, schema.RoleCurrency},
		{"charge", "customer", schema.Type{Kind: schema.KindString, Format: schema.ID, Refers: "customer", Prefix: "cus_"}, true, schema.RoleCustomerID},
		{"charge", "status", schema.EnumOf("failed", "pending", "succeeded"), false, ""},
		{"charge", "paid", schema.Type{Kind: schema.KindBool}, false, ""},
		{"charge", "id", schema.Type{Kind: schema.KindString, Format: schema.ID, Refers: "charge"}, false, ""},
		{"charge", "receipt_email", schema.Type{Kind: schema.KindString, Format: schema.Email, Max: 5000}, true, schema.RoleEmail},
		{"customer", "email", schema.Type{Kind: schema.KindString, Format: schema.Email, Max: 5000}, true, schema.RoleEmail},
		{"customer", "name", schema.Type{Kind: schema.KindString, Max: 5000}, true, schema.RoleName},
		{"customer", "phone", schema.Type{Kind: schema.KindString, Max: 5000}, true, schema.RolePhone},
		{"customer", "default_source", schema.Type{Kind: schema.KindString, Format: schema.ID, Refers: "bank_account|card|source"}, true, ""},
		{"product", "name", schema.Type{Kind: schema.KindString, Max: 5000}, false, ""},
		{"invoice", "id", schema.Type{Kind: schema.KindString, Format: schema.ID, Refers: "invoice", Prefix: "in_"}, true, ""},
		{"subscription", "customer", schema.Type{Kind: schema.KindString, Format: schema.ID, Refers: "customer", Prefix: "cus_"}, false, schema.RoleCustomerID},
		{"bank_account|card|source", "object", schema.EnumOf("bank_account", "card", "source"), false, ""},
		{"bank_account|card|source", "exp_month", schema.Type{Kind: schema.KindNumber, Format: schema.Integer}, true, ""},
		{"refund", "status", schema.Type{Kind: schema.KindString, Max: 5000}, true, ""},
	} {
		f := c.object(tt.object).Field(tt.field)
		if f == nil {
			t.Errorf("%s has no %s", tt.object, tt.field)
			continue
		}
		got := f.Type
		enum := slices.Equal(got.Enum, tt.typ.Enum)
		got.Enum, tt.typ.Enum = nil, nil
		if !enum || got.Kind != tt.typ.Kind || got.Format != tt.typ.Format || got.Refers != tt.typ.Refers || got.Prefix != tt.typ.Prefix || got.Max != tt.typ.Max {
			t.Errorf("%s.%s is %+v, want %+v", tt.object, tt.field, f.Type, tt.typ)
		}
		if f.MayBeNull() != tt.null {
			t.Errorf("%s.%s: may be null = %t", tt.object, tt.field, f.MayBeNull())
		}
		if f.Role != tt.role {
			t.Errorf("%s.%s has role %q, want %q", tt.object, tt.field, f.Role, tt.role)
		}
	}
	metadata := c.object("charge").Field("metadata").Type
	if metadata.Kind != schema.KindMap || metadata.Elem.Kind != schema.KindString {
		t.Errorf("metadata is a %s", metadata)
	}
	refunds := c.object("charge").Field("refunds").Type
	if refunds.Kind != schema.KindObject || refunds.Object.Field("data").Type.Elem.Object != c.object("refund") {
		t.Errorf("refunds is a %s", refunds)
	}
	if f := c.object("payment_intent").Field("client_secret"); !f.Secret {
		t.Error("payment_intent.client_secret is not secret")
	}
}

func BenchmarkSpec(b *testing.B) {
	for b.Loop() {
		Spec()
	}
}

func BenchmarkFirstObject(b *testing.B) {
	for b.Loop() {
		newCatalog(catalogText, operationsText).object("charge").Fields()
	}
}
