package connectors

import (
	"context"
	"time"
)

// History reads what a vendor keeps of the past. Its functions make as many exchanges as there are pages, through
// Conn.Client, and fail with an *Error.
type History struct {
	KeySetting string        // the setting without which there can be no exchange
	Window     time.Duration // how far back events go

	// Events calls each for every event that the query selects, the oldest first. What it gives is as a webhook would
	// have brought it, but for the signature. An error of each ends it and is returned.
	Events func(ctx context.Context, c *Conn, q HistoryQuery, each func(PastEvent) error) error

	// Objects calls each for every object of the kind, such as "customers", as an event of the type that tells of its
	// creation; Kinds are the kinds that there are, with that type.
	Objects func(ctx context.Context, c *Conn, kind string, each func(PastEvent) error) error
	Kinds   map[string]string
}

// HistoryQuery selects events.
type HistoryQuery struct {
	Types    []string  // the vendor's types; at least one
	From, To time.Time // by the vendor's clock; To is not in it
}

// PastEvent is an event that was read and not sent.
type PastEvent struct {
	Envelope
	Body []byte
}
