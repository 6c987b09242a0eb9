package customerio

import (
	"math/big"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// The vendor's limits, in bytes. Track answers 200 before it looks at attributes, so that what is over a limit is lost
// without a word; hence all of them are tested before a call.
const (
	maxID         = 150
	maxAttributes = 300
	maxAttrName   = 150
	maxAttrValue  = 1000
	maxEventName  = 100
	maxEventData  = 100_000
	maxRecipients = 15
)

// The classes of limits. Track's is the connection's own: it is what nearly all calls go to.
const (
	limitApp       = "app"       // the App API: look-ups and set-up
	limitSend      = "send"      // transactional messages
	limitBroadcast = "broadcast" // API-triggered broadcasts
)

// limits are what the vendor documents. It gives Track 1,000 calls a second and does not enforce that strictly; for
// transactional messages it names the same door now and 100 a second before, and the smaller is kept. It sends no
// headers that would tell.
func limits() map[string]connectors.Limit {
	return map[string]connectors.Limit{
		"":             {Rate: 1000, Burst: 1000, Unless: "track_url"},
		limitApp:       {Rate: 10, Burst: 10, Unless: "app_url"},
		limitSend:      {Rate: 100, Burst: 100, Unless: "app_url"},
		limitBroadcast: {Rate: 0.1, Burst: 1, Unless: "app_url"},
	}
}

func short(name, v string, limit int) error {
	if len(v) > limit {
		return connectors.Invalidf("%s has %d bytes; Customer.io takes %d", name, len(v), limit)
	}
	return nil
}

// named is the type of what has names that the caller chooses.
func named() schema.Type {
	o := schema.NewObject("")
	o.Open = true
	return schema.ObjectType(o)
}

// lastSecond is where seconds end and milliseconds, a frequent mistake, begin: the year 5138.
const lastSecond = 100_000_000_000

// seconds returns the field as unix seconds, else the time of the event; ok is false where there is neither. The
// event's time and not the clock's, so that a repeat sends the same and late events keep their order.
func seconds(c *connectors.Call, field string) (n int64, ok bool, err error) {
	v := connectors.Input(c, field)
	if v.IsNull() {
		if c.EventTime.IsZero() {
			return 0, false, nil
		}
		return c.EventTime.Unix(), true, nil
	}
	n, err = unixSeconds(field, v)
	return n, err == nil, err
}

func unixSeconds(field string, v cty.Value) (int64, error) {
	if v.Type() != cty.Number {
		return 0, connectors.Invalidf("%s must be a number of seconds since 1970", field)
	}
	n, accuracy := v.AsBigFloat().Int64()
	if accuracy != big.Exact || n < 0 {
		return 0, connectors.Invalidf("%s must be a whole number of seconds since 1970", field)
	}
	if n >= lastSecond {
		return 0, connectors.Invalidf("%s lies after the year 5000: it must be in seconds, not milliseconds", field)
	}
	return n, nil
}

// appendRawJSON appends a member of an object that is open in dst, nulls and all.
func appendRawJSON(dst []byte, name string, v cty.Value) ([]byte, error) {
	return schema.AppendJSON(appendRaw(dst, name), v)
}

func timestampField(doc string) schema.Field {
	return schema.Field{Name: "timestamp", Doc: doc, Example: "1750000000",
		Type: schema.Type{Kind: schema.KindNumber, Format: schema.UnixTime}}
}
