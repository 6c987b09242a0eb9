package main

// Operations are called by the words of Stripe's own SDKs: the resource, then what is done. 458 of them are named in the
// description that the SDKs are made from; the others are older paths to the same things, and are named by their path.

import (
	"fmt"
	"slices"
	"strings"
)

// methodNode is what the SDKs call an operation, as it stands beside a resource.
type methodNode struct {
	Method    string `json:"method_name"`
	On        string `json:"method_on"`
	Type      string `json:"method_type"`
	Operation string `json:"operation"`
	Path      string `json:"path"`
}

// method is one name that the SDKs have for an operation.
type method struct{ resource, name, typ string }

// methodsOf returns the names by "get /v1/customers".
func methodsOf(schemas map[string]*schemaNode) map[string][]method {
	out := map[string][]method{}
	for resource, n := range schemas {
		if n.Resource != nil && n.Resource.Class == "InvoiceLineItem" {
			resource = "invoice_line_item"
		}
		for _, m := range n.Operations {
			if m.On == "service" {
				route := m.Operation + " " + m.Path
				out[route] = append(out[route], method{resource, m.Method, m.Type})
			}
		}
	}
	return out
}

// operationName returns the name of an operation, without the service's.
func (g *generator) operationName(op *operation, node *operationNode) string {
	route := strings.ToLower(op.method) + " " + op.path
	switch route {
	case "get /v1/account":
		return "account_retrieve_current"
	case "post /v1/customers/{customer}/sources/{id}":
		return "payment_source_update"
	case "delete /v1/customers/{customer}/sources/{id}":
		return "payment_source_delete"
	case "post /v1/charges/{charge}/dispute":
		return "charge_dispute_update"
	}
	names := slices.Clone(g.methods[route])
	if len(names) == 0 {
		return g.pathOperationName(op, node)
	}
	slices.SortFunc(names, func(a, b method) int { return rank(a) - rank(b) })
	m := names[0]
	resource := strings.ReplaceAll(m.resource, ".", "_")
	if m.resource == "tax_id" && strings.HasPrefix(op.path, "/v1/customers/") {
		resource = "customer_tax_id"
	}
	what := snake(m.name)
	_, last, dotted := strings.Cut(m.resource, ".")
	if !dotted {
		last = m.resource
	}
	// SDKs repeat the resource where the verb alone is a word of their language: void_invoice, return_card.
	what = strings.TrimSuffix(what, "_"+last)
	if strings.HasPrefix(op.path, "/v1/test_helpers/") && !strings.HasPrefix(resource, "test_helpers_") {
		resource = "test_helpers_" + resource
	}
	return resource + "_" + what
}

// rank puts the name first that says what the others say, and is most like the rest.
func rank(m method) int {
	switch {
	case m.resource == "bank_account" || m.resource == "card":
		return 2
	case m.typ == "custom":
		return 1
	}
	return 0
}

// pathOperationName names an operation that no SDK has by its path.
func (g *generator) pathOperationName(op *operation, node *operationNode) string {
	var words []string
	parts := strings.Split(strings.TrimPrefix(op.path, "/v1/"), "/")
	for _, p := range parts {
		if !strings.HasPrefix(p, "{") {
			words = append(words, singular(p))
		}
	}
	resource := strings.Join(words, "_")
	last := parts[len(parts)-1]
	switch {
	case op.method == "DELETE":
		return resource + "_delete"
	case op.method == "GET" && node.Responses["200"].Content["application/json"].Schema.Properties["data"] != nil:
		return resource + "_list"
	case op.method == "GET":
		return resource + "_retrieve"
	case strings.HasPrefix(last, "{"):
		return resource + "_update"
	case singular(last) != last:
		return resource + "_create"
	}
	return resource
}

func singular(s string) string {
	switch {
	case s == "people":
		return "person"
	case strings.HasSuffix(s, "ies"):
		return s[:len(s)-3] + "y"
	case strings.HasSuffix(s, "ss"):
		return s
	}
	return strings.TrimSuffix(s, "s")
}

func snake(s string) string {
	var b strings.Builder
	for _, r := range s {
		if 'A' <= r && r <= 'Z' {
			fmt.Fprintf(&b, "_%c", r-'A'+'a')
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
