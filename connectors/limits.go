package connectors

// Limit is how fast a vendor lets itself be called.
type Limit struct {
	Rate        float64 // calls per second; 0 for no limit
	Burst       int     // calls that may be made at once; at least 1 where Rate is set
	Concurrency int     // calls under way at a time; 0 for no cap
}
