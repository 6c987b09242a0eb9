package customerio

// The second version of the Track API takes every change as one JSON object, alone or many together. Calls of the
// first version that are older than it keep their requests, which are what most accounts have seen of flowrun; they
// become objects where the connection batches, and where a person is named by phone, which only the second knows.

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
)

// maxEntity is the largest change, in bytes.
const maxEntity = 32_000

// change is an action of the Track API.
type change struct {
	// entity appends the change as an object of the second version.
	entity func(dst []byte, c *connectors.Call) ([]byte, error)

	first *connectors.HTTP // the call of the first version, or nil
	alone *connectors.HTTP // the call of the second
}

var _ connectors.Caller = (*change)(nil)

func (s *settings) change(entity func([]byte, *connectors.Call) ([]byte, error), first *connectors.HTTP) *change {
	return &change{entity: entity, first: first, alone: s.trackCall(&connectors.HTTP{
		Method: http.MethodPost,
		Path:   "/api/v2/entity",
		Body: func(dst []byte, c *connectors.Call) ([]byte, error) {
			start := len(dst)
			dst, err := entity(dst, c)
			if n := len(dst) - start; err == nil && n > maxEntity {
				return nil, connectors.Invalidf("the call has %d bytes as JSON; Customer.io takes %d", n, maxEntity)
			}
			return dst, err
		},
	})}
}

// Call implements connectors.Caller.
func (a *change) Call(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
	single := a.alone
	if a.first != nil && connectors.InputString(c, "phone") == "" {
		single = a.first
	}
	b, ok := c.Conn.Kept.(*batcher)
	if !ok {
		return single.Call(ctx, c)
	}
	item, err := a.entity(make([]byte, 0, 512), c)
	if err != nil {
		return connectors.Result{}, invalid(err)
	}
	if len(item) > maxEntity {
		return single.Call(ctx, c) // the first version takes larger events
	}
	return b.call(ctx, c, item)
}

// invalid returns err as the failure of a call that can't be made.
func invalid(err error) *connectors.Error {
	var e *connectors.Error
	if errors.As(err, &e) {
		return e
	}
	return connectors.Invalid(err.Error())
}

// begin appends the members that every change has; the object stays open.
func begin(dst []byte, kind, action string, identifiers []byte) []byte {
	dst = append(append(append(dst, `{"type":"`...), kind...), `","identifiers":`...)
	dst = append(dst, identifiers...)
	return append(append(append(dst, `,"action":"`...), action...), '"')
}

// personChange begins a change of the person that the call's input names.
func personChange(dst []byte, c *connectors.Call, action string) ([]byte, error) {
	who, err := personOf(c.Input)
	if err != nil {
		return nil, err
	}
	return begin(dst, "person", action, who), nil
}

// personOf returns the identifier that v, an object, names a person by, as a JSON object.
func personOf(v cty.Value) ([]byte, error) {
	var kind, value string
	given := 0
	for _, name := range []string{"id", "email", "cio_id", "phone"} {
		if found := textOf(v, name); found != "" {
			kind, value = name, found
			given++
		}
	}
	if given != 1 {
		return nil, connectors.Invalid("exactly one of id, email, cio_id and phone must be given, and not be empty")
	}
	var err error
	switch kind {
	case "id":
		value, err = checkedID(value)
	case "email":
		value, err = checkedEmail(value)
	case "cio_id":
		if value, err = checkedCioID(value); err == nil {
			value = value[len(cioPrefix):]
		}
	case "phone":
		err = checkPhone(value)
	}
	if err != nil {
		return nil, err
	}
	if err = text(kind, value); err != nil {
		return nil, err
	}
	dst, err := connectors.AppendJSONMember([]byte{'{'}, kind, cty.StringVal(value))
	return append(dst, '}'), err
}

// text refuses bytes that are none: JSON would make all of them one letter, and so many identifiers one.
func text(name, v string) error {
	if !utf8.ValidString(v) {
		return connectors.Invalidf("%s is no text in UTF-8", name)
	}
	return nil
}

// textOf returns a string field of an object, "" where it is null or not there.
func textOf(v cty.Value, name string) string {
	if v.IsNull() || !v.Type().IsObjectType() || !v.Type().HasAttribute(name) {
		return ""
	}
	if f := v.GetAttr(name); !f.IsNull() && f.Type() == cty.String {
		return f.AsString()
	}
	return ""
}

func checkPhone(phone string) error {
	digits := len(phone) - 1
	if phone[0] != '+' || digits < 1 || digits > 15 {
		return connectors.Invalid(`phone must be "+" and at most 15 digits, as E.164 has it`)
	}
	for i := 1; i < len(phone); i++ {
		if phone[i] < '0' || phone[i] > '9' {
			return connectors.Invalid(`phone must be "+" and at most 15 digits, as E.164 has it`)
		}
	}
	return nil
}

// appendObject appends a member that is a free-form object, if it is there. Nulls in it stay: they take attributes away.
func appendObject(dst []byte, name string, v cty.Value) ([]byte, error) {
	if v.IsNull() {
		return dst, nil
	}
	n := 0
	for it := v.ElementIterator(); it.Next(); n++ {
		k, _ := it.Element()
		if err := short("the name of an attribute", k.AsString(), maxAttrName); err != nil {
			return nil, err
		}
	}
	if n > maxAttributes {
		return nil, connectors.Invalidf("%s holds more than the %d that Customer.io takes", name, maxAttributes)
	}
	dst, err := appendRawJSON(dst, name, v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return dst, nil
}
