package customerio

import (
	"strings"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// The Track API takes one identifier in the path and guesses from its looks which kind it is: with "@" an e-mail
// address, beginning with "cio_" its own id, else the customer's id. A value of another kind's looks would be written
// to another person, so it is refused here.

const cioPrefix = "cio_"

// person returns the fields of which exactly one names a person.
func person() []schema.Field {
	return []schema.Field{
		{Name: "id", Doc: "Your own id of the person", Role: schema.RoleCustomerID, Example: `"cus_123"`,
			Type: schema.Type{Kind: schema.KindString, Max: maxID}},
		{Name: "email", Doc: "E-mail address of the person", Role: schema.RoleEmail, Example: `"jo@example.com"`,
			Type: schema.Type{Kind: schema.KindString, Format: schema.Email, Max: maxID}},
		{Name: "cio_id", Doc: "Id that Customer.io gave the person", Example: `"03000001"`,
			Type: schema.Type{Kind: schema.KindString, Max: maxID}},
	}
}

// anyone is person and the identifier that only the second version of the Track API knows.
func anyone() []schema.Field {
	return append(person(), schema.Field{Name: "phone", Doc: "Phone number of the person as E.164 has it, where the workspace identifies people by phone",
		Type: schema.Type{Kind: schema.KindString, Max: 16}, Role: schema.RolePhone, Example: `"+15555550100"`})
}

// identifiers returns the names of anyone's fields.
func identifiers() []string { return []string{"id", "email", "cio_id", "phone"} }

// identifier returns what stands for the person in a path, not yet encoded.
func identifier(c *connectors.Call) (string, error) {
	id, email, cioID := connectors.InputString(c, "id"), connectors.InputString(c, "email"), connectors.InputString(c, "cio_id")
	given := 0
	for _, v := range []string{id, email, cioID} {
		if v != "" {
			given++
		}
	}
	if given != 1 {
		return "", connectors.Invalid("exactly one of id, email and cio_id must be given, and not be empty")
	}
	switch {
	case id != "":
		return checkedID(id)
	case email != "":
		return checkedEmail(email)
	}
	return checkedCioID(cioID)
}

func checkedID(id string) (string, error) {
	if strings.HasPrefix(id, cioPrefix) {
		return "", connectors.Invalid(`id begins with "cio_", which Customer.io takes for an id of its own: use cio_id`)
	}
	return id, short("id", id, maxID)
}

func checkedEmail(email string) (string, error) {
	if !strings.Contains(email, "@") {
		return "", connectors.Invalid(`email holds no "@", and Customer.io would take it for an id`)
	}
	if strings.HasPrefix(email, cioPrefix) {
		return "", connectors.Invalid(`email begins with "cio_", which Customer.io takes for an id of its own`)
	}
	return email, short("email", email, maxID)
}

func checkedCioID(id string) (string, error) {
	id = strings.TrimPrefix(id, cioPrefix)
	if id == "" {
		return "", connectors.Invalid("cio_id is empty")
	}
	return cioPrefix + id, short("cio_id", id, maxID)
}

func pathIdentifier(c *connectors.Call, _ string) (string, error) { return identifier(c) }
