package connectors

import "context"

// Probe is a harmless exchange, to learn whether a vendor can be reached and takes a connection's credentials. Where a
// service has several APIs, each has one.
type Probe struct {
	Name     string   // what is asked: "the Track API"
	Takes    string   // what it takes where all is well: "the key"
	Requires []string // settings without which there can be no exchange

	// Ask makes it. It fails with an *Error.
	Ask func(ctx context.Context, c *Conn) error
}

// Keys is what is known of the keys of a service that can be allowed some things and not others.
type Keys struct {
	Setting string // that holds the key

	// Kind says what a connection's key is: "a restricted key of test mode". all says that it may do everything, so that
	// what it is allowed need not be asked.
	Kind func(c *Conn) (words string, all bool)

	// Needs is what a key must be allowed for an action, whose argument that says more of the answer (Action.OutSetting)
	// holds those values.
	Needs func(action string, more []string) []Permission

	// Own is the same of what flowrun itself does: "endpoints" and "history".
	Own map[string]Permission

	// All is what there is to be allowed, each to read.
	All func() []Permission

	// Ask finds out whether a key is allowed something, by exchanges that change nothing; why says how the vendor said no,
	// or why it can't be told.
	Ask func(ctx context.Context, c *Conn, p Permission) (a Access, why string)

	// Link is the vendor's page on which a key is made, with these ticked; those without an ID must be ticked by hand.
	Link func(c *Conn, list []Permission) string
}

// Permission is one thing that a key can be allowed.
type Permission struct {
	Resource string // as the vendor's page of keys has it: "Customers"
	Write    bool   // to write, which includes to read
	ID       string // the vendor's name for it in its messages; empty where that is not documented
}

// String returns "Customers: write".
func (p Permission) String() string {
	if p.Write {
		return p.Resource + ": write"
	}
	return p.Resource + ": read"
}

// Access is whether a key is allowed something. The zero Access is invalid.
type Access uint8

const (
	_ Access = iota
	Allowed
	Denied
	NotTold // the vendor's answer does not say
)
