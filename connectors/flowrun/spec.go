// Package flowrun describes flowrun itself as a service, so that what it offers to recipes is typed, listed and
// documented like what any vendor offers: values that stay between runs, calls of other recipes, and alerts as events.
//
// It calls nobody. The values are kept by whoever hosts the recipes, behind connectors.State; a call of a recipe is
// made by the engine, which knows what the recipe takes and gives back.
package flowrun

import (
	"context"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

const service = "flowrun"

// Spec returns the description of flowrun's own service.
func Spec() *connectors.Spec {
	return &connectors.Spec{
		Name:     service,
		Title:    "flowrun",
		Doc:      "Values that stay between runs, calls of other recipes, and alerts. Its connection needs no block",
		Local:    true,
		Triggers: []*schema.Trigger{alert(), recipeCall()},
		Actions:  []*connectors.Action{recipeRun(), stateGet(), stateIncrement(), stateSet()},
	}
}

var (
	text = schema.Type{Kind: schema.KindString}
	data = schema.Type{Kind: schema.KindAny}
)

func alert() *schema.Trigger {
	kinds := schema.EnumOf("forged_webhooks", "reload_refused", "missing_events", "endpoint_disabled", "breaker_open",
		"unknown_outcome", "budget_exceeded", "store_refuses")
	return &schema.Trigger{
		Name: "flowrun_alert", Service: service, Events: []string{"alert"}, Settings: schema.NewObject("flowrun_alert"),
		Doc: "Something that is no run's failure and that somebody must know, grouped by its kind",
		Payload: schema.NewObject("alert",
			schema.Field{Name: "kind", Type: kinds, Required: true, Doc: "What it is about", Example: `"breaker_open"`},
			schema.Field{Name: "message", Type: text, Required: true, Doc: "One sentence for people",
				Example: `"Calls of customerio are paused: 12 of the last 20 failed"`},
			schema.Field{Name: "count", Type: schema.Type{Kind: schema.KindNumber, Format: schema.Integer}, Required: true,
				Doc: "How often it happened since the alert before of that kind", Example: "3"},
		),
	}
}

func recipeCall() *schema.Trigger {
	return &schema.Trigger{
		Name: "recipe_call", Service: service, Doc: "Another recipe calls this one with recipe_run",
		Settings: schema.NewObject("recipe_call", schema.Field{Name: "inputs", Type: data.MapOf(),
			Doc: "What the recipe is called with: names with their types, such as { customer = string }"}),
		Payload: schema.NewObject("inputs"),
	}
}

func recipeRun() *connectors.Action {
	return &connectors.Action{
		Action: schema.Action{
			Name: "recipe_run", Service: service, Effect: schema.Keyed,
			Doc: "Call another recipe and wait for it. The answer is its output",
			In: schema.NewObject("recipe_run",
				schema.Field{Name: "recipe", Type: text, Required: true, Doc: "Name of a recipe with the trigger recipe_call, in quotes", Example: `"lib/notify"`},
				schema.Field{Name: "inputs", Type: data.MapOf(), Doc: "What the recipe's trigger declares", Example: `{"customer": "cus_123"}`},
			),
		},
		Call: connectors.Func(func(context.Context, *connectors.Call) (connectors.Result, error) {
			return connectors.Result{}, &connectors.Error{Kind: connectors.KindInvalid, NotSent: true, Message: "recipes can be called by recipes only"}
		}),
		Example: `{"recipe": "lib/notify", "inputs": {"customer": "cus_123"}}`,
	}
}
