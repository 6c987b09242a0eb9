package flowrun

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// Bounds of what is kept.
const (
	ownPrefix = "flowrun:" // of what triggers remember
	maxName   = 512        // bytes
	maxValue  = 64 << 10   // bytes of JSON
	maxAmount = 1 << 53    // of one increment
)

func nameField() schema.Field {
	return schema.Field{Name: "name", Type: schema.Type{Kind: schema.KindString, Max: maxName}, Required: true, Example: `"spent/cus_123"`,
		Doc: "Name of the value, shared by all recipes; it is shown in lists, so that data of a person does not belong there"}
}

func spanField(name, doc string) schema.Field {
	return schema.Field{Name: name, Type: schema.Type{Kind: schema.KindString, Format: schema.Duration}, Doc: doc, Example: `"7d"`}
}

func stateGet() *connectors.Action {
	return &connectors.Action{
		Action: schema.Action{
			Name: "state_get", Service: service, Effect: schema.Read, Doc: "Read a value that was kept",
			In: schema.NewObject("state_get", nameField()),
			Out: schema.NewObject("state", schema.Field{Name: "value", Type: data, Required: true, Nullable: true,
				Doc: "The value, or null where there is none"}),
		},
		Call:    connectors.Func(get),
		Example: `{"name": "spent/cus_123"}`,
		Answer:  `{"value": 4200}`,
	}
}

func stateSet() *connectors.Action {
	return &connectors.Action{
		Action: schema.Action{
			Name: "state_set", Service: service, Effect: schema.Idempotent, Doc: "Keep a value, in place of the one before",
			In: schema.NewObject("state_set", nameField(),
				schema.Field{Name: "value", Type: data, Required: true, Nullable: true, Example: `{"plan": "pro"}`,
					Doc: "Any value of up to 64 KiB as JSON; null is as good as none"},
				spanField("expires", "How long it is kept; for good where left out"),
			),
		},
		Call:    connectors.Func(set),
		Example: `{"name": "plan/cus_123", "value": {"plan": "pro"}, "expires": "30d"}`,
	}
}

func stateIncrement() *connectors.Action {
	return &connectors.Action{
		Action: schema.Action{
			Name: "state_increment", Service: service, Effect: schema.Keyed,
			Doc: "Add to a counter and read the sum. A retry or a replay of the step does not count twice",
			In: schema.NewObject("state_increment", nameField(),
				schema.Field{Name: "by", Type: schema.Type{Kind: schema.KindNumber, Format: schema.Integer}, Default: "1", Example: "4200",
					Doc: "A whole number, which may be negative"},
				spanField("within", "Only what was added within so long counts; all where left out"),
			),
			Out: schema.NewObject("counter", schema.Field{Name: "value", Type: schema.Type{Kind: schema.KindNumber, Format: schema.Integer},
				Required: true, Doc: "The sum, this step included"}),
		},
		Call:    connectors.Func(increment),
		Example: `{"name": "failures/cus_123", "within": "7d"}`,
		Answer:  `{"value": 3}`,
	}
}

func get(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
	state, name, err := open(c)
	if err != nil {
		return connectors.Result{}, err
	}
	raw, ok, err := state.Get(ctx, name)
	if err != nil {
		return connectors.Result{}, failed("reading", err)
	}
	value := cty.NullVal(cty.DynamicPseudoType)
	if ok {
		if value, err = schema.DecodeAny(raw); err != nil {
			return connectors.Result{}, &connectors.Error{Kind: connectors.KindDrift, Message: "what is kept under the name is not JSON", Err: err}
		}
	}
	return connectors.Result{Output: cty.ObjectVal(map[string]cty.Value{"value": value})}, nil
}

func set(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
	state, name, err := open(c)
	if err != nil {
		return connectors.Result{}, err
	}
	ttl, err := span(c, "expires")
	if err != nil {
		return connectors.Result{}, err
	}
	raw, err := schema.AppendJSON(nil, connectors.Input(c, "value"))
	if err != nil {
		return connectors.Result{}, connectors.Invalidf("value can't be written as JSON: %v", err)
	}
	if len(raw) > maxValue {
		return connectors.Result{}, connectors.Invalidf("value has %d bytes as JSON, and %d can be kept", len(raw), maxValue)
	}
	if err := state.Set(ctx, name, raw, ttl); err != nil {
		return connectors.Result{}, failed("keeping", err)
	}
	return connectors.Result{}, nil
}

func increment(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
	state, name, err := open(c)
	if err != nil {
		return connectors.Result{}, err
	}
	ttl, err := span(c, "within")
	if err != nil {
		return connectors.Result{}, err
	}
	by := int64(1)
	if v := connectors.Input(c, "by"); !v.IsNull() {
		n, acc := v.AsBigFloat().Int64()
		if acc != 0 || n > maxAmount || n < -maxAmount {
			return connectors.Result{}, connectors.Invalidf("by must be a whole number of at most %d", int64(maxAmount))
		}
		by = n
	}
	sum, err := state.Increment(ctx, name, c.Key, by, ttl)
	if err != nil {
		return connectors.Result{}, failed("adding to", err)
	}
	return connectors.Result{Output: cty.ObjectVal(map[string]cty.Value{"value": cty.NumberIntVal(sum)})}, nil
}

// open returns what keeps the values, and the name that the call is about.
func open(c *connectors.Call) (connectors.State, string, error) {
	if c.Conn.State == nil {
		return nil, "", &connectors.Error{Kind: connectors.KindInvalid, NotSent: true, Message: "nothing is kept between runs here"}
	}
	name := connectors.InputString(c, "name")
	if name == "" || len(name) > maxName {
		return nil, "", connectors.Invalidf("name must have between 1 and %d bytes", maxName)
	}
	if strings.HasPrefix(name, ownPrefix) {
		return nil, "", connectors.Invalidf("names that begin with %s are flowrun's own", ownPrefix)
	}
	return c.Conn.State, name, nil
}

// span returns a duration of the input, 0 where it is left out.
func span(c *connectors.Call, field string) (time.Duration, error) {
	s := connectors.InputString(c, field)
	if s == "" {
		return 0, nil
	}
	d, err := schema.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, connectors.Invalidf("%s must be a duration such as \"90s\", \"72h\" or \"7d\"", field)
	}
	return d, nil
}

// failed is a failure of the store, which can pass.
func failed(doing string, err error) error {
	kind := connectors.KindServer
	switch {
	case errors.Is(err, context.Canceled):
		kind = connectors.KindNetwork
	case errors.Is(err, context.DeadlineExceeded):
		kind = connectors.KindTimeout
	}
	return &connectors.Error{Kind: kind, Message: fmt.Sprintf("%s the value failed: %v", doing, err), Err: err}
}
