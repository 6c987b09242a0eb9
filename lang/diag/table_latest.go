package diag

import "github.com/hashicorp/hcl/v2"

// latestRows is the part of the table about triggers that fetch their object when the run starts.
var latestRows = [...]Entry{
	{
		Code: NotFetchable, Severity: hcl.DiagError, Summary: "Object can't be fetched",
		Cause: "latest = true fetches what an event is about when the run starts. That needs a look-up by what the event carries: some objects have none at their vendor, some events tell that their object is no more, and what is not about an object has nothing to fetch. Leave latest out: trigger is then the object as the event carries it.",
		Bad: `trigger "stripe_customer_deleted" {
  latest = true
}

action "customerio_track" {
  id   = trigger.id
  name = "left"
}
`,
		Good: `trigger "stripe_customer_updated" {
  latest = true
}

action "customerio_track" {
  id   = trigger.id
  name = "changed"
}
`,
	},
}
