package control

// What tells of a person, and what is secret, is masked for who may only view, and for everybody who looks at the page:
// there it is revealed one by one, which the audit log shows. What a value means is read off the shapes that services
// declare; what nobody has declared, such as metadata, counts as personal unless it can't be. A value that was masked
// in an event is masked wherever it turns up again: in what was sent, in answers, in messages of vendors.

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/telemetry"
)

// Shapes knows what values mean, as far as that is declared.
type Shapes interface {
	// Event returns the shape of an event's object; the zero EventShape where nothing tells it.
	Event(e *runtime.Event) EventShape
	// Step returns the shapes of a step's input and answer; the zero StepShape where nothing tells them.
	Step(ctx context.Context, r *runtime.Run, s *runtime.Step) StepShape
}

// EventShape is the shape of an event's object, and where in the payload it and the old values of what changed are.
type EventShape struct {
	Object         *schema.Object
	Data, Previous schema.Path
}

// StepShape is what a step was given and what it answered. Traced says that Personal names all inputs that carry data
// of a person, as the checker has followed it from where it is declared.
type StepShape struct {
	In, Out  *schema.Object
	Traced   bool
	Personal []string
}

// masker masks one answer. A nil masker masks nothing.
type masker struct {
	shapes   Shapes
	n        int             // how many values were masked
	personal map[string]bool // those that tell of a person, or are secret
	unknown  map[string]bool // those that nobody has declared
}

// masker returns what masks the answer to a request, or nil where who asks may see all of it.
func (h *Handler) masker(r *http.Request) *masker {
	p := asker(r)
	if p != nil && p.role >= RoleOperate && p.via != "session" && p.via != "proxy" && r.URL.Query().Get("masked") == "" {
		return nil
	}
	return h.newMasker()
}

func (h *Handler) newMasker() *masker {
	return &masker{shapes: h.cfg.Shapes, personal: map[string]bool{}, unknown: map[string]bool{}}
}

const maskedWord = "[masked]"

// place is what is known of a value by where it stands.
type place struct {
	t      schema.Type
	role   schema.Role
	secret bool
	mode   placeMode
	name   string // of the member

	event *EventShape // of the members around an event's object
	path  schema.Path
}

type placeMode uint8

const (
	declared   placeMode = iota // by a shape, or harmless as far as it was traced
	undeclared                  // by nobody
	envelope                    // what a service puts around its objects
	tainted                     // made of what tells of a person
)

func shaped(o *schema.Object) place {
	if o == nil {
		return place{mode: undeclared}
	}
	return place{t: schema.ObjectType(o)}
}

// member returns what is known of an object's member.
func (p place) member(name string) place {
	if p.event != nil {
		at := append(slices.Clip(p.path), name)
		switch {
		case slices.Equal(at, p.event.Data), len(p.event.Previous) > 0 && slices.Equal(at, p.event.Previous):
			return shaped(p.event.Object)
		}
		return place{mode: envelope, name: name, event: p.event, path: at}
	}
	child := place{role: p.role, secret: p.secret, mode: p.mode, name: name}
	if p.mode != declared && p.mode != undeclared {
		return child
	}
	switch {
	case p.t.Kind == schema.KindObject && p.t.Object != nil:
		f := p.t.Object.Field(name)
		if f == nil {
			child.mode = undeclared
			break
		}
		child.t, child.secret, child.mode = f.Type, p.secret || f.Secret, declared
		if f.Role != "" {
			child.role = f.Role
		}
	case p.t.Kind == schema.KindMap && p.t.Elem != nil && p.t.Elem.Kind != schema.KindAny && p.t.Elem.Kind != schema.KindString:
		child.t = *p.t.Elem
	case p.t.Kind != 0:
		child.mode = undeclared
	}
	return child
}

// element returns what is known of a list's elements.
func (p place) element() place {
	child := place{role: p.role, secret: p.secret, mode: p.mode, name: p.name}
	if p.t.Kind == schema.KindList && p.t.Elem != nil {
		child.t = *p.t.Elem
	} else if p.mode == declared && p.t.Kind != 0 {
		child.mode = undeclared
	}
	return child
}

// free reports whether nobody has declared what stands here.
func (p place) free() bool {
	return p.mode == undeclared || p.mode == declared && p.t.Kind == schema.KindAny
}

// json masks a JSON text. What is none, is masked as a whole.
func (m *masker) json(raw json.RawMessage, p place) json.RawMessage {
	if len(raw) == 0 {
		return raw
	}
	if schema.CheckJSON(raw, schema.JSONLimits{}) != nil {
		m.n++
		return json.RawMessage(`"` + maskedWord + `"`)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var out bytes.Buffer
	if err := m.value(&out, dec, p); err != nil { // it was checked
		m.n++
		return json.RawMessage(`"` + maskedWord + `"`)
	}
	return out.Bytes()
}

func (m *masker) value(out *bytes.Buffer, dec *json.Decoder, p place) error {
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	switch v := tok.(type) {
	case json.Delim:
		return m.composite(out, dec, p, v)
	case string:
		return writeText(out, m.string(v, p))
	case json.Number:
		if p.secret || p.role.Personal() || p.free() && tellsByName(p.name) {
			m.hide(v.String(), true)
			return writeText(out, maskOf(p))
		}
		out.WriteString(v.String())
	case bool:
		if v {
			out.WriteString("true")
		} else {
			out.WriteString("false")
		}
	case nil:
		out.WriteString("null")
	}
	return nil
}

func (m *masker) composite(out *bytes.Buffer, dec *json.Decoder, p place, open json.Delim) error {
	out.WriteByte(byte(open))
	for n := 0; dec.More(); n++ {
		if n > 0 {
			out.WriteByte(',')
		}
		child := p.element()
		if open == '{' {
			tok, err := dec.Token()
			if err != nil {
				return err
			}
			name, _ := tok.(string) // the decoder takes nothing else
			child = p.member(name)
			if err := writeText(out, m.text(name)); err != nil {
				return err
			}
			out.WriteByte(':')
		}
		if err := m.value(out, dec, child); err != nil {
			return err
		}
	}
	end, err := dec.Token()
	if delim, ok := end.(json.Delim); ok {
		out.WriteByte(byte(delim))
	}
	return err
}

func writeText(out *bytes.Buffer, s string) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return err
	}
	out.Truncate(out.Len() - 1) // the line's end
	return nil
}

// string masks one string, or what in it needs to be.
func (m *masker) string(s string, p place) string {
	if p.mode == declared && p.t.Kind != 0 && p.t.Kind != schema.KindString && p.t.Or == nil {
		p.mode = undeclared // something else is, and this came
	}
	switch {
	case s == "":
		return s
	case p.secret, p.role.Personal(), p.t.Format == schema.Email, secretLike(s), p.mode == tainted:
		m.hide(s, true)
		if secretLike(s) {
			p.secret = true
		}
		return maskOf(p)
	case p.free() && (tellsByName(p.name) || !harmless(s)):
		m.hide(s, tellsByName(p.name))
		return maskedWord
	}
	return m.text(s)
}

// hide remembers a value that is masked.
func (m *masker) hide(s string, personal bool) {
	m.n++
	if personal {
		m.personal[s] = true
	} else {
		m.unknown[s] = true
	}
}

// maskOf is what stands for a value.
func maskOf(p place) string {
	switch {
	case p.secret:
		return "[masked secret]"
	case p.role.Personal():
		return "[masked " + strings.ReplaceAll(string(p.role), "_", " ") + "]"
	case p.t.Format == schema.Email:
		return "[masked email]"
	}
	return maskedWord
}

// shortestWithin is how long a value is that is looked for inside others.
const shortestWithin = 4

// text takes out of a text what was masked elsewhere, and what looks as if it must be.
func (m *masker) text(s string) string {
	if m == nil || s == "" {
		return s
	}
	if m.personal[s] || m.unknown[s] {
		m.n++
		return maskedWord
	}
	was := s
	for v := range m.personal {
		if len(v) >= shortestWithin && strings.Contains(s, v) {
			s = strings.ReplaceAll(s, v, maskedWord)
		}
	}
	if s = (*telemetry.Redactor)(nil).String(s); s != was {
		m.n++
	}
	return s
}

func (m *masker) failure(f *Failure) {
	if f != nil {
		f.Message = m.text(f.Message)
	}
}

// event masks an event's payload.
func (m *masker) event(out *Event, e *runtime.Event) {
	if m == nil {
		return
	}
	before := m.n
	p := place{mode: undeclared}
	if m.shapes != nil {
		if shape := m.shapes.Event(e); len(shape.Data) > 0 {
			p = place{mode: envelope, event: &shape}
		} else {
			p = shaped(shape.Object)
		}
	}
	out.Payload = m.json(out.Payload, p)
	out.Masked = m.n - before
}

// run masks a run with its steps. What was masked of its event must be known by then.
func (m *masker) run(ctx context.Context, out *Run, r *runtime.Run) {
	if m == nil {
		return
	}
	before := m.n
	out.Input, out.Output = m.json(out.Input, place{mode: undeclared}), m.json(out.Output, place{mode: undeclared})
	for i := range out.Steps {
		if i < len(r.Steps) {
			m.step(ctx, &out.Steps[i], r, r.Steps[i])
		}
	}
	m.failure(out.Error)
	out.Masked = m.n - before
}

func (m *masker) step(ctx context.Context, out *Step, r *runtime.Run, s *runtime.Step) {
	var shape StepShape
	if m.shapes != nil {
		shape = m.shapes.Step(ctx, r, s)
	}
	out.Input = m.input(out.Input, shape)
	out.Output = m.json(out.Output, shaped(shape.Out))
	out.Each = m.text(out.Each)
	m.failure(out.Error)
	for i := range out.Attempts {
		m.failure(out.Attempts[i].Error)
	}
}

// input masks what a step was given: inputs that carry data of a person as a whole, the others as they are declared.
func (m *masker) input(raw json.RawMessage, shape StepShape) json.RawMessage {
	root := shaped(shape.In)
	if !shape.Traced || len(raw) == 0 {
		return m.json(raw, root)
	}
	var out bytes.Buffer
	out.WriteByte('{')
	err := schema.Members(raw, func(name string, value []byte) bool {
		p := root.member(name)
		switch {
		case slices.Contains(shape.Personal, name):
			p.mode, p.t = tainted, schema.Type{}
		case p.t.Kind == schema.KindAny || p.t.Kind == schema.KindMap:
			p = place{name: name} // free in form, and traced
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		// A buffer takes all that is written to it, and a string is always encoded.
		_ = writeText(&out, name)
		out.WriteByte(':')
		out.Write(m.json(value, p))
		return true
	})
	if err != nil {
		return m.json(raw, place{mode: undeclared})
	}
	out.WriteByte('}')
	return out.Bytes()
}

// why masks the values of gates. What was masked of the event and of its runs must be known by then.
func (m *masker) why(w *Why) {
	if m == nil || w == nil {
		return
	}
	for i := range w.Verdict {
		v := &w.Verdict[i]
		v.Because = m.text(v.Because)
		for j := range v.Gates {
			g := &v.Gates[j]
			g.Value = m.gateValue(g.Value)
			for k := range g.Parts {
				g.Parts[k].Value = m.gateValue(g.Parts[k].Value)
			}
		}
	}
}

// gateValue masks a value as gates show it: JSON that may have been cut, or words in brackets.
func (m *masker) gateValue(s string) string {
	switch {
	case s == "":
		return s
	case s[0] == '{' || s[0] == '[':
		m.n++
		return maskedWord
	case s[0] != '"':
		return m.text(s)
	}
	dec := json.NewDecoder(strings.NewReader(s))
	var text string
	if dec.Decode(&text) != nil { // it was cut
		m.n++
		return maskedWord
	}
	rest := s[dec.InputOffset():]
	if m.partOf(text) {
		m.n++
		return `"` + maskedWord + `"` + rest
	}
	var out bytes.Buffer
	if writeText(&out, m.text(text)) != nil {
		return maskedWord
	}
	return out.String() + rest
}

// partOf reports whether a text is a part of something that tells of a person, in whatever case.
func (m *masker) partOf(text string) bool {
	if len(text) < 2 {
		return false
	}
	text = strings.ToLower(text)
	for v := range m.personal {
		if strings.Contains(strings.ToLower(v), text) {
			return true
		}
	}
	return false
}
