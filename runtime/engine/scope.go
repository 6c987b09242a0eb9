package engine

import (
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

type hclExpression = hcl.Expression

// openScope makes the names in reach, at the first expression that must be evaluated: a recipe that a comparison has
// refused never gets here. Of the payload only what the recipe reads is decoded.
func (r *runner) openScope() error {
	if r.scope != nil {
		return nil
	}
	s := eval.NewScope(r.rec.funcs, r.rec.locals)
	payload := null
	if r.payload != cty.NilVal {
		payload = r.payload
	} else if !r.rec.Reads.Empty() {
		v, known := cty.NilVal, false
		if r.work != nil && r.work.shared != nil {
			v, known = r.work.shared.payload(r.trigger.Payload, r.object)
		}
		if !known {
			var drift []schema.Drift
			var err error
			if v, drift, err = r.trigger.Payload.Decode(r.object, r.rec.Reads); err != nil {
				return &connectors.Error{Kind: connectors.KindDrift, Message: "the payload can't be read: " + err.Error(), Err: err}
			}
			r.e.noteDrift(r.ev, drift)
		}
		payload = v
	}
	s.Set("trigger", payload)
	if !r.rec.ReadsPrevious.Empty() {
		s.Set("previous", r.oldValues())
	}
	s.SetLater("event", r.eventValue)
	s.SetLater("run", r.runValue())
	s.Set("var", r.rec.vars)
	r.scope = s
	return nil
}

// noteDrift logs where a payload differs from its shape. It is no failure: an expression that can't be evaluated for it
// is.
func (e *Engine) noteDrift(ev *runtime.Event, drift []schema.Drift) {
	for _, d := range drift {
		e.log.Debug("a payload differs from its shape", "event", ev.ID, "type", ev.Type, "field", d.Path.String(), "what", d.What)
	}
}

// oldValues is `previous`: what is unchanged is null, so a shape's promise that a field is there does not hold and is
// no drift.
func (r *runner) oldValues() cty.Value {
	raw := r.previous
	if raw == nil {
		raw = []byte("{}")
	}
	v, _, err := r.trigger.Payload.Decode(raw, r.rec.ReadsPrevious)
	if err != nil {
		return null
	}
	return v
}

// scopeWithout makes the names in reach but for the payload, which can't be read.
func (r *runner) scopeWithout() {
	s := eval.NewScope(r.rec.funcs, r.rec.locals)
	s.Set("trigger", null)
	s.Set("previous", null)
	s.SetLater("event", r.eventValue)
	s.SetLater("run", r.runValue())
	s.Set("var", r.rec.vars)
	r.scope = s
}

func (r *runner) eventValue() cty.Value {
	made := func() cty.Value { return envelope(r.ev, r.previous, r.run.ReplayOf != "", r.e.causedBy(r.ev)) }
	if r.work != nil && r.work.shared != nil {
		return r.work.shared.envelope(made)
	}
	return made()
}

// envelope is `event`.
func envelope(ev *runtime.Event, previous []byte, replayed bool, causedBy cty.Value) cty.Value {
	changed := cty.ListValEmpty(cty.String)
	if len(previous) > 0 {
		var names []cty.Value
		_ = schema.Members(previous, func(name string, _ []byte) bool { // the body was checked when it was accepted
			names = append(names, cty.StringVal(name))
			return true
		})
		if len(names) > 0 {
			changed = cty.ListVal(names)
		}
	}
	return cty.ObjectVal(map[string]cty.Value{
		"id":          cty.StringVal(ev.ID),
		"type":        cty.StringVal(ev.Type),
		"time":        timeValue(ev.Time),
		"received_at": timeValue(ev.ReceivedAt),
		"connection":  cty.StringVal(ev.Connection),
		"account":     orNull(ev.Account),
		"livemode":    cty.BoolVal(ev.Livemode),
		"api_version": orNull(ev.APIVersion),
		"changed":     changed,
		"replayed":    cty.BoolVal(replayed),
		"caused_by":   causedBy,
	})
}

// runValue makes `run` as it is now, when somebody reads it.
func (r *runner) runValue() func() cty.Value {
	id, recipe, started, address := r.run.ID, r.run.Recipe, r.run.StartedAt, r.e.cfg.RunURL
	if !r.began.IsZero() {
		started = r.began
	}
	return func() cty.Value {
		url := ""
		if address != nil {
			url = address(id)
		}
		return cty.ObjectVal(map[string]cty.Value{
			"id":         cty.StringVal(id),
			"recipe":     cty.StringVal(recipe),
			"started_at": timeValue(started),
			"url":        orNull(url),
		})
	}
}

func timeValue(t time.Time) cty.Value { return cty.StringVal(t.UTC().Format(time.RFC3339)) }

func orNull(s string) cty.Value {
	if s == "" {
		return cty.NullVal(cty.String)
	}
	return cty.StringVal(s)
}
