package connectors

// EachEndpoint is the class under which a service says what the vendor takes of one endpoint, besides what it takes of the
// class that a call belongs to. Each Action.Endpoint counts for itself.
const EachEndpoint = "each endpoint"

// Limit is how fast a vendor lets itself be called, at the vendor's own address.
type Limit struct {
	Rate        float64 // calls per second; 0 for no limit
	Burst       int     // calls that may be made at once; at least 1 where Rate is set
	Concurrency int     // calls under way at a time; 0 for no cap

	// Unless names the setting by which a connection has another address for these calls, or is empty. Where it is set,
	// who is called is not the vendor, but a proxy or a stand-in, and the limit does not hold.
	Unless string
}

// Of returns the limit as it is for a connection: none at all where its calls go elsewhere.
func (l Limit) Of(c *Conn) Limit {
	if l.Unless != "" && c.Setting(l.Unless) != "" {
		return Limit{}
	}
	return l
}
