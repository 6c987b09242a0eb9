package connectors

import "context"

// Endpoint is a place that a vendor sends events to.
type Endpoint struct {
	ID         string   // the vendor's; empty before it is created
	URL        string   // where events are sent
	Events     []string // the vendor's types, sorted; "*" for all
	APIVersion string   // that its events are rendered in; empty where the vendor has none, or takes the account's
	Connect    bool     // it sends the events of connected accounts, and not the account's own
	Disabled   bool
	Retired    bool // a newer one takes its place; it stays until its secret is not needed any more

	// Instance and Connection say for whom it was created. Both are empty of one that flowrun did not create.
	Instance, Connection string

	Secret string // signs its events; known in the answer to Create only, and empty where the vendor does not tell it
}

// Endpoints sets up where a vendor sends events. Its functions make one exchange each, or as many as a list has pages,
// through Conn.Client, and fail with an *Error.
type Endpoints struct {
	List   func(ctx context.Context, c *Conn) ([]Endpoint, error)
	Create func(ctx context.Context, c *Conn, e Endpoint) (Endpoint, error)
	// Update changes the endpoint of e's ID. It can't change APIVersion and Connect.
	Update func(ctx context.Context, c *Conn, e Endpoint) (Endpoint, error)
	Delete func(ctx context.Context, c *Conn, id string) error

	KeySetting     string // the setting without which there can be no exchange
	ConnectSetting string // the setting that asks for the events of connected accounts; empty where there are none
	APIVersion     string // that endpoints are created with
	Most           int    // endpoints that an account can have; 0 where there is no cap
	Secretless     bool   // the vendor tells no signing secret: a person must copy it
	SecretAt       string // where a person finds it, for Secretless: a part of a sentence

	// Check says why the connection's settings contradict each other, such as a test key where live events are asked
	// for; nil where there is nothing to check.
	Check func(c *Conn) error
}
