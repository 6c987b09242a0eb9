package http

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// Changes are what a poll can tell of an item.
const (
	Insert = "insert"
	Update = "update"
	Delete = "delete"
)

// shortestPoll is how often a list is looked at at most.
const shortestPoll = 10 * time.Second

func poll() *schema.Trigger {
	changes := schema.EnumOf(Insert, Update, Delete)
	fields := slices.Concat(where(), []schema.Field{
		{Name: "every", Type: length, Required: true, Doc: "How often it looks, from 10s on", Example: `"5m"`},
		{Name: "items", Type: text, Doc: "Where in the body the list is, dotted; the body itself where left out", Example: `"data"`},
		{Name: "key", Type: text, Default: `"id"`, Doc: "Which field of an item names it, dotted", Example: `"id"`},
		{Name: "item", Type: data, Doc: "The shape of an item, { name = TYPE }. Only a change of what it names is an update"},
		{Name: "capture", Type: changes.ListOf(), Doc: "Which changes fire: insert, update, delete. Insert and update where left out", Example: `["insert", "delete"]`},
		{Name: "initial", Type: truth, Default: "false", Doc: "Take what the first look finds for inserted. Else it is where the comparing starts"},
	})
	return &schema.Trigger{
		Name: "poll", Service: service, Doc: "An item of a list at an HTTP address was added, changed or taken away since the last look",
		Events: []string{"poll"}, Settings: schema.NewObject("poll", fields...).WithOneOf("path", "url"),
		Payload: pollObject(schema.NewObject("item")), ShapeSetting: "item", For: pollUse,
	}
}

// pollObject is the shape of `trigger` for items of a shape.
func pollObject(item *schema.Object) *schema.Object {
	return schema.NewObject("poll",
		schema.Field{Name: "change", Type: schema.EnumOf(Insert, Update, Delete), Required: true, Doc: "What happened to the item", Example: `"insert"`},
		schema.Field{Name: "key", Type: text, Required: true, Doc: "What names the item", Example: `"1"`},
		schema.Field{Name: "item", Type: schema.ObjectType(item), Required: true, Doc: "The item; of one that was taken away, as it was last seen"},
		schema.Field{Name: "previous", Type: schema.ObjectType(item), Required: true, Nullable: true, Doc: "Of an update: the item as it was before"},
	)
}

func pollUse(u *schema.Use) schema.TriggerUse {
	use := schema.TriggerUse{Events: []string{u.Recipe + "/" + u.Name}}
	problem := func(setting, reason string) {
		use.Problems = append(use.Problems, schema.Problem{Setting: setting, Reason: reason})
	}
	switch {
	case u.Shape == nil:
		problem("", "what an item holds is declared: item = { id = string }.")
	case u.Shape.Kind != schema.KindObject || u.Shape.Object == nil:
		problem("item", "an item is an object: item = { id = string }.")
	default:
		use.Payload = pollObject(u.Shape.Object)
	}
	if every := u.Text("every"); every != "" {
		if d, err := schema.ParseDuration(every); err == nil && d < shortestPoll {
			problem("every", fmt.Sprintf("a list is looked at every %s at most.", shortestPoll))
		}
	}
	use.Problems = append(use.Problems, pagingProblems(u.Given["paging"])...)
	return use
}

// Look fetches the list that the settings of a poll describe, as the JSON of each item. It fails with an
// *connectors.Error.
func Look(ctx context.Context, conn *connectors.Conn, settings map[string]cty.Value) ([][]byte, error) {
	c := &connectors.Call{Conn: conn, Input: cty.ObjectVal(settings), Action: &connectors.Action{}}
	if len(settings) == 0 {
		c.Input = cty.EmptyObjectVal
	}
	path := connectors.InputString(c, "items")
	r := &requesting{c: c, method: http.MethodGet, listAt: path}
	answer, err := r.do(ctx)
	if err != nil {
		return nil, err
	}
	list := lookup(answer.body, path)
	if len(list) == 0 || list[0] != '[' {
		return nil, &connectors.Error{Kind: connectors.KindDrift, Status: answer.status, Message: "there is no list where the items should be"}
	}
	var items [][]byte
	if err := elements(list, func(raw []byte) { items = append(items, raw) }); err != nil {
		return nil, &connectors.Error{Kind: connectors.KindDrift, Status: answer.status, Message: err.Error(), Err: err}
	}
	return items, nil
}
