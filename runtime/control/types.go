package control

import (
	"encoding/json"
	"time"
)

// What the API speaks. Times are RFC 3339 in UTC, durations are milliseconds; a field that has no value is left out.

// ServerInfo is what a server knows of itself before it does anything.
type ServerInfo struct {
	Version   string    `json:"version"`
	Mode      string    `json:"mode" enum:"serve,dev"`
	Shadow    bool      `json:"shadow,omitempty"` // no call that changes anything is made
	StartedAt time.Time `json:"started_at"`
	Listen    string    `json:"listen"`  // address of the webhook listener
	Control   string    `json:"control"` // address of this door
	Store     string    `json:"store"`   // without credentials
	Dir       string    `json:"dir"`
}

// Status is what `flowrun status` prints.
type Status struct {
	ServerInfo
	Ready          bool          `json:"ready"`
	NotReady       string        `json:"not_ready,omitempty"` // why
	UptimeMS       int64         `json:"uptime_ms"`
	Engine         *EngineStatus `json:"engine,omitempty"`
	Connections    []Connection  `json:"connections"`
	LastReload     *Reload       `json:"last_reload,omitempty"`
	LastGoodReload *Reload       `json:"last_good_reload,omitempty"`
	StoreCounts    Counts        `json:"store_counts"`

	OnOlder int64    `json:"on_older,omitempty"` // runs that have not ended and are pinned to an older program
	Removed []string `json:"removed,omitempty"`  // recipes that are served no more and have such runs
}

// EngineStatus is what the engine does right now.
type EngineStatus struct {
	Program    string `json:"program"` // digest
	Recipes    int    `json:"recipes"`
	QueueDepth int    `json:"queue_depth"`
	InFlight   int    `json:"in_flight"`
	Draining   bool   `json:"draining,omitempty"`

	Breakers []Breaker `json:"breakers,omitempty"` // connections whose calls are held back
	Paused   []Pause   `json:"paused,omitempty"`   // recipes that take no events; Held is not counted here
	Lanes    int       `json:"lanes,omitempty"`    // concurrency keys with runs under way or waiting for a place
	Queued   int       `json:"queued,omitempty"`   // runs that wait for a place in a lane
	Alerts   []Alert   `json:"alerts,omitempty"`   // the newest last
}

// Breaker is a connection whose calls are held back, since too many failed.
type Breaker struct {
	Connection string    `json:"connection"`
	State      string    `json:"state" enum:"open,half-open"`
	Since      time.Time `json:"since"`
	Until      time.Time `json:"until"`  // when a call is tried again
	Reason     string    `json:"reason"` // of the last failure
}

// Alert is something that somebody must know and that is no run's failure.
type Alert struct {
	Kind    string    `json:"kind"`
	Message string    `json:"message"`
	Count   int       `json:"count"`
	At      time.Time `json:"at"`
}

// Counts is what the store holds.
type Counts struct {
	Events    int64            `json:"events"`
	Undecided int64            `json:"undecided"`
	Runs      map[string]int64 `json:"runs"` // by status
	Bytes     int64            `json:"bytes"`
}

// Connection is one way to a vendor.
type Connection struct {
	Name     string `json:"name"`
	Service  string `json:"service"`
	Door     string `json:"door,omitempty"`     // path of its webhooks, where a recipe listens
	Livemode *bool  `json:"livemode,omitempty"` // where the vendor tells live from test

	Endpoint string   `json:"endpoint,omitempty"` // the vendor's id of what sends events here, where it could be asked
	NotSent  []string `json:"not_sent,omitempty"` // event types that recipes need and that it does not send
	Problem  string   `json:"problem,omitempty"`  // what is wrong with the endpoint, a sentence

	Polled bool `json:"polled,omitempty"` // its events have been read from the vendor, since no webhook comes
}

// Reload is how a reload ended.
type Reload struct {
	Digest      string    `json:"digest"`
	Changed     bool      `json:"changed"`
	OK          bool      `json:"ok"`
	Recipes     int       `json:"recipes"`
	Diagnostics string    `json:"diagnostics,omitempty"`
	At          time.Time `json:"at"`
	DurationMS  int64     `json:"duration_ms"`
}

// Recipe is one recipe that is served.
type Recipe struct {
	Name        string            `json:"name"`
	Filename    string            `json:"filename"`
	Description string            `json:"description,omitempty"`
	Enabled     bool              `json:"enabled"`
	Triggers    []RecipeTrigger   `json:"triggers"`
	Actions     []string          `json:"actions"`
	Labels      map[string]string `json:"labels,omitempty"`

	Paused  string `json:"paused,omitempty" enum:"hold,drop"` // what becomes of its events
	Reason  string `json:"reason,omitempty"`                  // why it is paused, where its limits were reached
	Removed bool   `json:"removed,omitempty"`                 // it is served no more, and has runs that have not ended
	Running int64  `json:"running"`
	Waiting int64  `json:"waiting"`
	Queued  int64  `json:"queued"`
	OnOlder int64  `json:"on_older,omitempty"` // how many of these are pinned to an older program

	Programs []ProgramRuns `json:"programs,omitempty"` // the same, by the program that they are pinned to
}

// ProgramRuns is how many runs of a recipe that have not ended are pinned to a program.
type ProgramRuns struct {
	Program string `json:"program"`
	Running int64  `json:"running"`
	Waiting int64  `json:"waiting"`
	Queued  int64  `json:"queued"`
}

// RecipeTrigger is one way in which a recipe starts.
type RecipeTrigger struct {
	Type       string   `json:"type"`
	Connection string   `json:"connection"`
	Events     []string `json:"events"` // the vendor's types
}

// Run is one recipe that took one event.
type Run struct {
	ID         string    `json:"id"`
	Recipe     string    `json:"recipe"`
	EventID    string    `json:"event_id"`
	EventType  string    `json:"event_type"`
	Connection string    `json:"connection"`
	Status     string    `json:"status" enum:"running,waiting,completed,filtered,failed,canceled,queued,skipped"`
	StartedAt  time.Time `json:"started_at"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	DurationMS int64     `json:"duration_ms"` // 0 while it has not ended
	DueAt      time.Time `json:"due_at,omitzero"`
	StoppedBy  string    `json:"stopped_by,omitempty"`
	Error      *Failure  `json:"error,omitempty"`
	Program    string    `json:"program"`
	ReplayOf   string    `json:"replay_of,omitempty"`
	Generation int       `json:"generation,omitempty"`
	Retries    int       `json:"retries,omitempty"`                                                // how often it was taken up again by hand
	Queue      string    `json:"queue,omitempty" enum:"none,concurrency,throttle,debounce,paused"` // what a queued run waits for
	Parent     string    `json:"parent,omitempty"`                                                 // the run that called it
	Shadow     bool      `json:"shadow,omitempty"`                                                 // calls that change anything were recorded and not made

	// Of a run that another called: what with, and what it gave back.
	Input  json.RawMessage `json:"input,omitempty"`
	Output json.RawMessage `json:"output,omitempty"`

	Steps  []Step `json:"steps,omitempty"`  // not in lists
	Masked int    `json:"masked,omitempty"` // how many values are masked
}

// Step is one step of a run.
type Step struct {
	Address    string          `json:"address"`
	Index      int             `json:"index,omitempty"` // its place among the recipe's nodes, those of on_error last
	Each       string          `json:"each,omitempty"`  // key of the element of a for_each
	Action     string          `json:"action"`          // empty for a wait
	Status     string          `json:"status" enum:"intent,waiting,done,skipped,failed,unknown"`
	Key        string          `json:"key,omitempty"`
	StartedAt  time.Time       `json:"started_at,omitzero"`
	EndedAt    time.Time       `json:"ended_at,omitzero"`
	DurationMS int64           `json:"duration_ms"`
	DueAt      time.Time       `json:"due_at,omitzero"`
	Attempts   []Attempt       `json:"attempts,omitempty"`
	Input      json.RawMessage `json:"input,omitempty"`
	Output     json.RawMessage `json:"output,omitempty"`
	Error      *Failure        `json:"error,omitempty"`
	Shadow     bool            `json:"shadow,omitempty"` // it was recorded and not made
	Child      string          `json:"child,omitempty"`  // the run it called
}

// Attempt is one call of a step.
type Attempt struct {
	At         time.Time `json:"at"`
	DurationMS int64     `json:"duration_ms"`
	Status     int       `json:"status,omitempty"` // HTTP
	Error      *Failure  `json:"error,omitempty"`
}

// Failure is why a run, a step or an attempt failed.
type Failure struct {
	Kind    string `json:"kind"`
	Status  int    `json:"status,omitempty"` // HTTP
	Message string `json:"message"`
	Step    string `json:"step,omitempty"`
}

// Event is one event as it was accepted.
type Event struct {
	ID         string          `json:"id"`
	Seq        int64           `json:"seq"`
	Connection string          `json:"connection"`
	Service    string          `json:"service"`
	Type       string          `json:"type"`
	Time       time.Time       `json:"time"`
	ReceivedAt time.Time       `json:"received_at"`
	Account    string          `json:"account,omitempty"`
	Livemode   bool            `json:"livemode"`
	APIVersion string          `json:"api_version,omitempty"`
	Decision   *Decision       `json:"decision,omitempty"` // left out until a program has decided
	Payload    json.RawMessage `json:"payload,omitempty"`  // not in lists, nor once retention has dropped it
	Runs       []Run           `json:"runs,omitempty"`     // not in lists
	Masked     int             `json:"masked,omitempty"`   // how many values of the payload are masked
}

// Decision is what a program made of an event.
type Decision struct {
	Program string    `json:"program"`
	At      time.Time `json:"at"`
	Matched []string  `json:"matched"` // names of recipes
	Runs    int       `json:"runs"`
}

// RunList is a page of runs, the newest first.
type RunList struct {
	Runs []Run  `json:"runs"`
	Next string `json:"next,omitempty"` // the cursor of the next page; left out on the last
}

// EventList is a page of events, the newest first.
type EventList struct {
	Events []Event `json:"events"`
	Next   string  `json:"next,omitempty"`
}

// RecipeList is all recipes that are served, by name.
type RecipeList struct {
	Recipes []Recipe `json:"recipes"`
}

// BackupRequest asks for a copy of the store.
type BackupRequest struct {
	Path string `json:"path"` // absolute, on the server's machine; must not exist
}

// BackupResult says where the copy is.
type BackupResult struct {
	Path string `json:"path"`
}

// TriggerRequest asks for a sample event.
type TriggerRequest struct {
	Type       string            `json:"type"`
	Connection string            `json:"connection,omitempty"`
	Set        map[string]string `json:"set,omitempty"` // path → value, as -set takes them
}

// TriggerResult is the event that was posted.
type TriggerResult struct {
	EventID    string `json:"event_id"`
	Connection string `json:"connection"`
	Type       string `json:"type"`
	Accepted   bool   `json:"accepted"`
}

// Probe is the answer of /healthz and /readyz.
type Probe struct {
	Status string `json:"status" enum:"ok,ready,not ready"`
	Reason string `json:"reason,omitempty"`
}

// Problem is how a request is refused.
type Problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`

	status int
}

type problemBody struct {
	Error Problem `json:"error"`
}
