package stripe

// Stripe keeps events for thirty days and lists them the newest first. They are wanted the other way round, and a list
// that grows at its beginning can't be read from its end; so the time is cut into spans short enough that the events of
// one fit into memory. Each event is rendered in the API version that was the account's when it happened, not in the one
// that is asked for.

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/flowrun/flowrun/connectors"
)

const (
	eventsWindow = 30 * 24 * time.Hour
	spanEvents   = 1000 // of one span are kept in memory, unless they come in one second
	mostTypes    = 20   // that a query can name
)

func history() *connectors.History {
	return &connectors.History{KeySetting: settingKey, Window: eventsWindow, Events: pastEvents,
		Objects: pastObjects, Kinds: map[string]string{"customers": "customer.created", "subscriptions": "customer.subscription.created",
			"invoices": "invoice.created", "charges": "charge.succeeded", "products": "product.created", "prices": "price.created"}}
}

func pastEvents(ctx context.Context, c *connectors.Conn, q connectors.HistoryQuery, each func(connectors.PastEvent) error) error {
	from, to := q.From.Unix(), ceilSecond(q.To)
	for span := to - from; from < to; {
		span = max(1, min(span, to-from))
		page, whole, err := eventsBetween(ctx, c, q.Types, from, from+span)
		if err != nil {
			return err
		}
		if !whole {
			span /= 2
			continue
		}
		for _, raw := range slices.Backward(page) {
			e, err := readEnvelope(raw)
			if err != nil || !slices.Contains(q.Types, e.Type) || !takesMode(c, e.Livemode) {
				continue // an event that no webhook could bring either
			}
			if err := each(connectors.PastEvent{Envelope: *e, Body: raw}); err != nil {
				return err
			}
		}
		from += span
		if len(page) < spanEvents/4 {
			span *= 2
		}
	}
	return nil
}

func ceilSecond(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

func takesMode(c *connectors.Conn, live bool) bool {
	want, err := strconv.ParseBool(c.Setting(settingLivemode))
	return err != nil || want == live
}

// eventsBetween returns the events of a span, the newest first; whole is false where they are too many.
func eventsBetween(ctx context.Context, c *connectors.Conn, types []string, from, to int64) (all []json.RawMessage, whole bool, err error) {
	query := url.Values{"limit": {"100"}, "created[gte]": {strconv.FormatInt(from, 10)}, "created[lt]": {strconv.FormatInt(to, 10)}}
	if len(types) <= mostTypes {
		for i, t := range types {
			query.Set(fmt.Sprintf("types[%d]", i), t)
		}
	}
	err = pages(ctx, c, "/v1/events", query, func(raw json.RawMessage) bool {
		all = append(all, raw)
		return len(all) <= spanEvents || to-from == 1
	})
	return all, len(all) <= spanEvents || to-from == 1, err
}

// pages reads a list until take returns false.
func pages(ctx context.Context, c *connectors.Conn, path string, query url.Values, take func(json.RawMessage) bool) error {
	for {
		var page struct {
			Data    []json.RawMessage `json:"data"`
			HasMore bool              `json:"has_more"`
		}
		if err := exchange(ctx, c, http.MethodGet, path, query, &page); err != nil {
			return err
		}
		var last struct {
			ID string `json:"id"`
		}
		for _, raw := range page.Data {
			if err := json.Unmarshal(raw, &last); err != nil {
				return drift(http.StatusOK, "a list holds something that has no id", err)
			}
			if !take(raw) {
				return nil
			}
		}
		if !page.HasMore || len(page.Data) == 0 {
			return nil
		}
		if query.Get("starting_after") == last.ID {
			return drift(http.StatusOK, "the list does not go on: a page is followed by itself", nil)
		}
		query.Set("starting_after", last.ID)
	}
}

// pastObjects makes of every object of a kind the event that told of it. The event's id is made of the object's, so that
// it is known when it is met again.
func pastObjects(ctx context.Context, c *connectors.Conn, kind string, each func(connectors.PastEvent) error) error {
	eventType, known := history().Kinds[kind]
	if !known {
		return connectors.Invalidf("objects of the kind %q can't be walked", kind)
	}
	var failed error
	err := pages(ctx, c, "/v1/"+kind, url.Values{"limit": {"100"}}, func(raw json.RawMessage) bool {
		var object struct {
			ID       string `json:"id"`
			Created  int64  `json:"created"`
			Livemode bool   `json:"livemode"`
		}
		if failed = json.Unmarshal(raw, &object); failed != nil {
			return false
		}
		body, err := json.Marshal(map[string]any{"id": "backfill_" + object.ID, "object": "event", "api_version": APIVersion, "type": eventType,
			"created": object.Created, "livemode": object.Livemode, "data": map[string]any{"object": raw}})
		if err != nil {
			failed = err
			return false
		}
		e, err := readEnvelope(body)
		if err != nil || !takesMode(c, e.Livemode) {
			return true
		}
		failed = each(connectors.PastEvent{Envelope: *e, Body: body})
		return failed == nil
	})
	if err != nil {
		return err
	}
	return failed
}
