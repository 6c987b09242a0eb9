package connectors

// Limit is how much a vendor takes of one connection, as far as it says so.
type Limit struct {
	Rate        float64 // calls per second
	Burst       int     // calls that may follow each other at once
	Concurrency int     // calls at the same time; 0 is no cap
}
