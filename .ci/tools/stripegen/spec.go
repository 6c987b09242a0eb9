package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// schemaNode is the part of OpenAPI 3 that Stripe's description of its objects uses.
type schemaNode struct {
	Ref        string                 `json:"$ref"`
	Type       string                 `json:"type"`
	Format     string                 `json:"format"`
	Enum       []any                  `json:"enum"`
	Nullable   bool                   `json:"nullable"`
	MaxLength  int                    `json:"maxLength"`
	Properties map[string]*schemaNode `json:"properties"`
	Required   []string               `json:"required"`
	Items      *schemaNode            `json:"items"`
	AnyOf      []*schemaNode          `json:"anyOf"`
	Additional json.RawMessage        `json:"additionalProperties"`
	Expansion  *struct {
		OneOf []*schemaNode `json:"oneOf"`
	} `json:"x-expansionResources"`
	ResourceID string `json:"x-resourceId"`
	Event      *struct {
		Type string `json:"type"`
	} `json:"x-stripeEvent"`
	Resource *struct {
		Class   string `json:"class_name"`
		Package string `json:"in_package"`
	} `json:"x-stripeResource"`
	Operations []methodNode `json:"x-stripeOperations"`
}

type document struct {
	Info struct {
		Version string `json:"version"`
	} `json:"info"`
	Components struct {
		Schemas map[string]*schemaNode `json:"schemas"`
	} `json:"components"`
	Paths map[string]map[string]*operationNode `json:"paths"`
}

// source is what the catalogue is made from.
type source struct {
	version  string
	schemas  map[string]*schemaNode
	types    []string            // the event types a webhook endpoint can be told to send, sorted
	payloads map[string][]string // event type → the schemas data.object can have, sorted
	idPrefix map[string]string   // object → how its ids begin in the fixtures

	paths   map[string]map[string]*operationNode
	methods map[string][]method // "get /v1/customers" → what the SDKs call it
}

// readSource reads the three files. Of the beta description only the link from an event type to the names of its
// objects, and what the SDKs call an operation, are taken: its schemas are of another version.
func readSource(ga, beta, fixtures []byte) (*source, error) {
	var g, b document
	if err := json.Unmarshal(ga, &g); err != nil {
		return nil, fmt.Errorf("reading the description: %w", err)
	}
	if err := json.Unmarshal(beta, &b); err != nil {
		return nil, fmt.Errorf("reading the beta description: %w", err)
	}
	var f struct {
		Resources map[string]struct {
			ID     string `json:"id"`
			Object string `json:"object"`
		} `json:"resources"`
	}
	if err := json.Unmarshal(fixtures, &f); err != nil {
		return nil, fmt.Errorf("reading the fixtures: %w", err)
	}
	s := &source{version: g.Info.Version, schemas: g.Components.Schemas, payloads: map[string][]string{}, idPrefix: map[string]string{},
		paths: g.Paths, methods: methodsOf(b.Components.Schemas)}

	endpoint := g.Paths["/v1/webhook_endpoints"]["post"]
	if endpoint == nil {
		return nil, errors.New("the description has no POST /v1/webhook_endpoints, whose enabled_events name the event types")
	}
	events := endpoint.RequestBody.Content["application/x-www-form-urlencoded"].Schema.Properties["enabled_events"]
	for _, t := range events.Items.Enum {
		if t, ok := t.(string); ok && t != "*" {
			s.types = append(s.types, t)
		}
	}
	sort.Strings(s.types)

	for _, n := range b.Components.Schemas {
		if n.Event == nil || !slices.Contains(s.types, n.Event.Type) {
			continue
		}
		object := n.Properties["object"]
		if object == nil {
			return nil, fmt.Errorf("event %s names no object", n.Event.Type)
		}
		names := s.refs(object)
		if len(names) == 0 {
			return nil, fmt.Errorf("event %s: its object is not a reference", n.Event.Type)
		}
		s.payloads[n.Event.Type] = names
	}
	for _, t := range s.types {
		if len(s.payloads[t]) == 0 {
			return nil, fmt.Errorf("event %s has no object", t)
		}
		for _, name := range s.payloads[t] {
			if s.schemas[name] == nil {
				return nil, fmt.Errorf("event %s: object %s is not in the description of version %s", t, name, s.version)
			}
		}
	}
	for _, r := range f.Resources {
		if i := strings.LastIndexByte(r.ID, '_'); i > 0 && strings.Trim(r.ID[:i], "abcdefghijklmnopqrstuvwxyz_") == "" {
			s.idPrefix[r.Object] = r.ID[:i+1]
		}
	}
	return s, nil
}

// refs returns the names of the schemas that n refers to, directly or as one of several, sorted.
func (s *source) refs(n *schemaNode) []string {
	var names []string
	if n.Ref != "" {
		name := n.Ref[strings.LastIndexByte(n.Ref, '/')+1:]
		if target := s.schemas[name]; target != nil && len(target.AnyOf) > 0 {
			return s.refs(target)
		}
		return []string{name}
	}
	for _, m := range n.AnyOf {
		names = append(names, s.refs(m)...)
	}
	sort.Strings(names)
	return slices.Compact(names)
}
