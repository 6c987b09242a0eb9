package main

// A stored event as a fixture. What tells of a person is replaced, the same by the same, so that two fixtures of one
// customer still belong together; secrets are dropped; the rest, ids among it, stays, so that the event is what it was.

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime/control"
)

func captureCommand() *command {
	var r remote
	var out, connection, salt string
	var keep list
	return &command{
		name:  "capture",
		args:  "EVENT",
		short: "write a stored event as a fixture, without personal data and secrets",
		long: "Addresses, names and telephone numbers are replaced by others, the same by the same in every fixture that is made\n" +
			"with the same salt; secrets are dropped; ids, amounts and times stay, so that filters say what they said.\n" +
			"PATH of -keep is below `trigger`, such as billing_details.name. Read a fixture before you publish it: what nobody\n" +
			"has declared, such as metadata, is replaced only where it looks like an address or a number, or is called so.",
		example: "flowrun capture evt_1NG8Du2eZvKYlo2CUI79vXWy -o fixtures/charge_failed.json",
		group:   groupWrite,
		maxArgs: 1,
		flags: func(f *flags) {
			r.define(f)
			f.StringVar(&out, "o", "", "`FILE`: where to write it (default standard output)")
			f.StringVar(&connection, "connection", "", "`NAME`: the connection it came through")
			f.Var(&keep, "keep", "`PATH`: leave this value as it is; may be repeated")
			f.StringVar(&salt, "salt", "", "`TEXT`: what replacements are made from besides the value, so that nobody can guess it")
			f.fromEnv("salt", "FLOWRUN_CAPTURE_SALT")
		},
		run: func(ctx context.Context, m *Main, args []string) error {
			if len(args) == 0 {
				return usagef("which event? \"flowrun events list\" lists them")
			}
			e, err := r.client(m).Event(ctx, connection, args[0])
			if err != nil {
				return refused(err, "event", args[0])
			}
			c := &capturer{registry: all.Registry(), salt: salt, keep: keep, kept: map[string]bool{}}
			fixture, err := c.fixture(e)
			if err != nil {
				return err
			}
			for _, path := range keep {
				if !c.kept[path] {
					return usagef("-keep %s: the event has no such value that would be replaced", path)
				}
			}
			if r.asJSON {
				return printJSON(m.Stdout, captured{Event: json.RawMessage(fixture), Replaced: sortedSet(c.replaced), Dropped: sortedSet(c.dropped)})
			}
			if out == "" {
				_, err := m.Stdout.Write(fixture)
				return err
			}
			path := m.path(out)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return fmt.Errorf("making the folder of %s: %w", out, cause(err))
			}
			if err := os.WriteFile(path, fixture, 0o644); err != nil {
				return fmt.Errorf("writing %s: %w", out, cause(err))
			}
			fmt.Fprintf(m.Stdout, "%s: %s %s, %s replaced, %s dropped\n", out, e.Type, e.ID, plural(len(sortedSet(c.replaced)), "value"), plural(len(sortedSet(c.dropped)), "secret"))
			return nil
		},
	}
}

// captured is what -json prints.
type captured struct {
	Event    json.RawMessage `json:"event"`
	Replaced []string        `json:"replaced"` // paths below `trigger` and `previous`
	Dropped  []string        `json:"dropped"`
}

func sortedSet(paths []string) []string {
	out := slices.Clone(paths)
	slices.Sort(out)
	return append([]string{}, slices.Compact(out)...)
}

type capturer struct {
	registry *connectors.Registry
	salt     string
	keep     []string
	kept     map[string]bool

	replaced, dropped []string
}

// fixture returns the event's body with its object, and the old values beside it, cleaned.
func (c *capturer) fixture(e *control.Event) ([]byte, error) {
	if len(e.Payload) == 0 {
		return nil, fmt.Errorf("the payload of event %s is not kept any more", e.ID)
	}
	body, err := decodeOrdered(e.Payload)
	if err != nil {
		return nil, fmt.Errorf("reading the payload of event %s: %w", e.ID, err)
	}
	shape := c.shapeOf(e)
	var data, previous schema.Path
	if spec := c.registry.Spec(e.Service); spec != nil && spec.Webhook != nil {
		data, previous = spec.Webhook.Data, spec.Webhook.Previous
	}
	object := schema.ObjectType(shape)
	if shape == nil {
		object = schema.Type{Kind: schema.KindAny}
	}
	for _, path := range []schema.Path{data, previous} {
		if path == nil {
			continue
		}
		if at := body.at(path); at != nil {
			*at = c.clean(*at, object, nil, "")
		}
	}
	if len(data) == 0 {
		body = c.clean(body, object, nil, "")
	}
	var raw bytes.Buffer
	body.write(&raw)
	var out bytes.Buffer
	if err := json.Indent(&out, raw.Bytes(), "", "  "); err != nil {
		return nil, fmt.Errorf("writing the fixture: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// shapeOf returns the shape of the event's object, or nil where no trigger tells it.
func (c *capturer) shapeOf(e *control.Event) *schema.Object {
	for _, name := range c.registry.TriggerNames() {
		t := c.registry.Trigger(name)
		if t.Service == e.Service && slices.Contains(t.Events, e.Type) && t.Payload != nil {
			return t.Payload
		}
	}
	return nil
}

var (
	emailLike = regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`)
	phoneLike = regexp.MustCompile(`^\+?[0-9][0-9 ()./-]{6,}[0-9]$`)
	// What says of itself that it lets somebody in, whatever its field is called.
	secretLike = regexp.MustCompile(`(?:\b(?:sk|rk|whsec|ek)_[A-Za-z0-9_]{8,}|_secret_[A-Za-z0-9]{8,})`)
)

// clean returns a value without what must not get into a fixture. f is the field it stands in; nil where none is known.
func (c *capturer) clean(v ordered, t schema.Type, f *schema.Field, path string) ordered {
	if f != nil && f.Secret {
		return c.drop(path)
	}
	role := schema.Role("")
	if f != nil {
		role = f.Role
	}
	if role == "" && (f == nil || t.Kind == schema.KindAny || t.Kind == schema.KindMap) {
		role = roleOfName(lastName(path))
	}
	switch {
	case v.isText():
		return c.text(v, t, role, path)
	case v.list != nil:
		elem := schema.Type{Kind: schema.KindAny}
		if t.Kind == schema.KindList && t.Elem != nil {
			elem = *t.Elem
		}
		for i := range v.list {
			v.list[i] = c.clean(v.list[i], elem, inRole(role), path)
		}
	case v.members != nil:
		for i := range v.members {
			m := &v.members[i]
			at := m.name
			if path != "" {
				at = path + "." + m.name
			}
			child, field := schema.Type{Kind: schema.KindAny}, inRole(role)
			if t.Kind == schema.KindObject && t.Object != nil {
				if g := t.Object.Field(m.name); g != nil {
					child, field = g.Type, g
					if role.Personal() && g.Role == "" && role == schema.RoleAddress {
						copied := *g
						copied.Role = role
						field = &copied
					}
				}
			} else if t.Kind == schema.KindMap && t.Elem != nil {
				child = *t.Elem
			}
			m.value = c.clean(m.value, child, field, at)
		}
		v.members = slices.DeleteFunc(v.members, func(m orderedMember) bool { return m.value.gone })
	}
	return v
}

// roleOfName guesses the role of a member that no shape knows, in metadata for one.
func roleOfName(name string) schema.Role {
	switch name {
	case "email", "receipt_email":
		return schema.RoleEmail
	case "phone":
		return schema.RolePhone
	case "name":
		return schema.RoleName
	case "first_name":
		return schema.RoleFirstName
	case "last_name":
		return schema.RoleLastName
	case "line1", "line2", "city", "postal_code", "state":
		return schema.RoleAddress
	}
	return ""
}

func inRole(r schema.Role) *schema.Field {
	if r == "" {
		return nil
	}
	return &schema.Field{Role: r}
}

func lastName(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func (c *capturer) drop(path string) ordered {
	c.dropped = append(c.dropped, path)
	return ordered{gone: true}
}

// text cleans one string.
func (c *capturer) text(v ordered, t schema.Type, role schema.Role, path string) ordered {
	s := v.text()
	if s == "" {
		return v
	}
	if secretLike.MatchString(s) {
		return c.drop(path)
	}
	var next string
	switch {
	case t.Format == schema.ID || len(t.Enum) > 0 || t.Format == schema.Country || t.Format == schema.Currency:
		return v
	case role.Personal():
		next = c.other(role, s)
	case t.Format == schema.Email:
		next = c.other(schema.RoleEmail, s)
	case phoneLike.MatchString(s) && strings.HasPrefix(s, "+"):
		next = c.other(schema.RolePhone, s)
	default:
		next = emailLike.ReplaceAllStringFunc(s, func(found string) string { return c.other(schema.RoleEmail, found) })
	}
	if next == s {
		return v
	}
	if slices.Contains(c.keep, path) {
		c.kept[path] = true
		return v
	}
	c.replaced = append(c.replaced, path)
	return textOf(next)
}

// other makes a value of the same kind, the same for the same.
func (c *capturer) other(role schema.Role, s string) string {
	mac := hmac.New(sha256.New, []byte("flowrun capture "+c.salt))
	if role == schema.RoleEmail {
		s = strings.ToLower(s)
	}
	mac.Write([]byte(s))
	sum := mac.Sum(nil)
	tag := hex.EncodeToString(sum[:3])
	first := []string{"Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gil", "Hana"}[sum[4]%8]
	last := []string{"Archer", "Baker", "Cooper", "Dyer", "Fisher", "Mason", "Potter", "Weaver"}[sum[5]%8]
	switch role {
	case schema.RoleEmail:
		return "person-" + tag + "@example.com"
	case schema.RoleFirstName:
		return first
	case schema.RoleLastName:
		return last
	case schema.RoleName:
		return first + " " + last + " " + tag
	case schema.RolePhone:
		n := (int(sum[0])<<16 | int(sum[1])<<8 | int(sum[2])) % 10000
		return fmt.Sprintf("+1555555%04d", n) // of the numbers that nobody has
	}
	return "address " + tag
}
