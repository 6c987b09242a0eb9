package customerio

import (
	"net/http"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// audiences are the inputs of which exactly one says who gets a broadcast.
func audiences() []string {
	return []string{"ids", "emails", "per_user_data", "data_file_url", "recipients"}
}

// maxAudience is how many people a call can name.
const maxAudience = 10_000

func triggerBroadcast(s *settings) *connectors.Action {
	in := schema.NewObject("trigger_broadcast",
		schema.Field{Name: "broadcast_id", Required: true, Type: integerType(), Doc: "Number of the broadcast", Example: "2"},
		schema.Field{Name: "data", Type: named(), Doc: "What its messages read as trigger", Example: `{"headline": "New prices"}`},
		schema.Field{Name: "ids", Type: textType().ListOf(), Doc: "Your own ids of the people, at most 10,000", Example: `["cus_123"]`},
		schema.Field{Name: "emails", Type: emailType().ListOf(), Doc: "E-mail addresses of the people, at most 10,000", Example: `["jo@example.com"]`},
		schema.Field{Name: "per_user_data", Type: named().ListOf(), Doc: "The people by id or email, each with data of their own, at most 10,000",
			Example: `[{"id": "cus_123", "data": {"voucher": "A1"}}]`},
		schema.Field{Name: "data_file_url", Type: schema.Type{Kind: schema.KindString, Format: schema.URL},
			Doc: "Where a file lies whose lines are objects as in per_user_data", Example: `"https://example.com/people.jsonl"`},
		schema.Field{Name: "recipients", Type: named(), Doc: "A filter over segments and attributes", Example: `{"segment": {"id": 7}}`},
		flagField("id_ignore_missing", "Leave out ids that nobody has, instead of failing"),
		flagField("email_ignore_missing", "Leave out addresses that nobody has, instead of failing"),
		flagField("email_add_duplicates", "Send to everybody who shares an address, instead of failing"),
	).WithOneOf(audiences()...)
	return &connectors.Action{
		Action: schema.Action{Name: "customerio_trigger_broadcast", Service: service, Effect: schema.AtMostOnce, In: in,
			Lasting: schema.Lasting{Kind: schema.SendsMessage},
			Doc:     "Start an API-triggered broadcast; Customer.io takes one start of a broadcast in ten seconds",
			Out: schema.NewObject("broadcast trigger",
				schema.Field{Name: "id", Type: integerType(), Required: true, Doc: "Number of this start, as reports name it", Example: "1"})},
		Call: s.appCall(&connectors.HTTP{Method: http.MethodPost, Path: "/v1/campaigns/{broadcast_id}/triggers",
			PathValue: wholeNumber, Rename: map[string]string{"broadcast_id": ""}, Check: checkBroadcast}),
		Example: `{"broadcast_id": 2, "data": {"headline": "New prices"}, "ids": ["cus_123"]}`,
		Answer:  `{"id": 1}`,
		Limit:   limitBroadcast,
	}
}

func checkBroadcast(c *connectors.Call) error {
	given := 0
	for _, name := range audiences() {
		v := connectors.Input(c, name)
		if v.IsNull() {
			continue
		}
		given++
		if t := v.Type(); t.IsListType() || t.IsTupleType() {
			if n := v.LengthInt(); n == 0 || n > maxAudience {
				return connectors.Invalidf("%s names %d people; Customer.io takes 1 to %d", name, n, maxAudience)
			}
		}
	}
	if given != 1 {
		return connectors.Invalid("exactly one of ids, emails, per_user_data, data_file_url and recipients must be given")
	}
	return nil
}

// wholeNumber returns a number of the input as it stands in a path.
func wholeNumber(c *connectors.Call, name string) (string, error) {
	n, err := unixSeconds(name, connectors.Input(c, name))
	if err != nil || n == 0 {
		return "", connectors.Invalidf("%s must be a whole number from 1", name)
	}
	return connectors.ScalarText(connectors.Input(c, name))
}
