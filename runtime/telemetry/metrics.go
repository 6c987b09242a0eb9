package telemetry

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// maxSeries bounds the values of a label that names what users write, such as a recipe: a metric that grows without end
// takes the server and the one who scrapes it down. What comes after the bound is counted under "other".
const maxSeries = 5000

const other = "other"

// Reasons for which an event is refused: the values of the label "reason" of flowrun_events_refused_total.
const (
	RefusedMethod    = "method"    // not a POST
	RefusedDoor      = "door"      // no such connection
	RefusedTooLarge  = "too_large" // over the cap
	RefusedBody      = "body"      // can't be read or is not what the vendor sends
	RefusedSignature = "signature" // the signature did not hold
	RefusedTimeout   = "timeout"   // the body did not arrive in time
	RefusedBusy      = "busy"      // too many at once
	RefusedNotReady  = "not_ready" // starting or draining
	RefusedStore     = "store"     // the store could not commit
	RefusedInternal  = "internal"  // a fault of ours
)

func refusedReason(reason string) string {
	switch reason {
	case RefusedMethod, RefusedDoor, RefusedTooLarge, RefusedBody, RefusedSignature, RefusedTimeout, RefusedBusy,
		RefusedNotReady, RefusedStore, RefusedInternal:
		return reason
	}
	return other
}

// Metrics counts what the machine does, in a registry of its own. Every method is safe for concurrent use, and does
// nothing on a nil *Metrics.
type Metrics struct {
	registry *prometheus.Registry
	handler  http.Handler
	now      func() time.Time

	events    *memo[[2]string, prometheus.Counter]
	duplicate *memo[string, prometheus.Counter]
	refused   *memo[[2]string, prometheus.Counter]
	matched   prometheus.Counter
	unmatched prometheus.Counter
	runs      *memo[[2]string, prometheus.Counter]
	steps     *memo[[2]string, prometheus.Counter]
	stepTime  *memo[string, prometheus.Observer]
	attempts  *memo[[2]string, prometheus.Counter]

	queued  *memo[[2]string, prometheus.Counter]
	skips   *memo[[2]string, prometheus.Counter]
	parked  *memo[[2]string, prometheus.Counter]
	breaker *memo[string, prometheus.Gauge]
	alerts  *memo[string, prometheus.Counter]
	missing *memo[string, prometheus.Counter]

	queueDepth, inFlight    prometheus.Gauge
	commitTime, commitBatch prometheus.Histogram

	reloads    *prometheus.CounterVec
	reloadOK   prometheus.Gauge
	reloadTime prometheus.Gauge
	program    *prometheus.GaugeVec
	recipes    prometheus.Gauge
	build      *prometheus.GaugeVec

	storeBytes, storeEvents, storeUndecided prometheus.Gauge
	storeRuns                               *prometheus.GaugeVec

	programMu sync.Mutex
}

// NewMetrics returns metrics that all stand at zero.
func NewMetrics() *Metrics {
	r := prometheus.NewRegistry()
	m := &Metrics{registry: r, now: time.Now}
	m.handler = promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})

	m.events = counters2(counterVec(r, "events_total", "Events accepted and committed.", "connection", "service"))
	m.duplicate = counters1(counterVec(r, "events_duplicate_total", "Events sent again that were already stored.", "connection"))
	m.refused = counters2(counterVec(r, "events_refused_total", "Webhook requests refused.", "connection", "reason"))
	decided := counterVec(r, "events_decided_total", "Events that were matched with the recipes; matched=true where at least one recipe took it.", "matched")
	m.matched, m.unmatched = decided.WithLabelValues("true"), decided.WithLabelValues("false")
	m.runs = counters2(counterVec(r, "runs_total", "Runs that ended.", "recipe", "outcome"))
	m.steps = counters2(counterVec(r, "steps_total", "Steps that ended.", "action", "outcome"))
	stepTime := histogramVec(r, "step_seconds", "Time from the start of a step to its end, waits between attempts included.",
		[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200}, "action")
	m.stepTime = newMemo(func(action string) prometheus.Observer { return stepTime.WithLabelValues(clean(action)) }, other)
	m.attempts = counters2(counterVec(r, "step_attempts_total", "Calls made; kind is ok or the kind of failure.", "action", "kind"))

	m.queued = counters2(counterVec(r, "runs_queued_total", "Runs that had to wait before they started.", "recipe", "reason"))
	m.skips = counters2(counterVec(r, "runs_skipped_total", "Runs that flow control dropped.", "recipe", "reason"))
	m.parked = counters2(counterVec(r, "calls_held_total", "Calls that were put off, by a limit or by an open breaker.", "connection", "reason"))
	state := gaugeVec(r, "breaker_state", "The circuit breaker of a connection: 0 closed, 1 half-open, 2 open.", "connection")
	m.breaker = newMemo(func(conn string) prometheus.Gauge { return state.WithLabelValues(clean(conn)) }, other)
	m.missing = counters1(counterVec(r, "events_missing", "Events that no webhook had brought and that were taken from the vendor's history.", "connection"))
	m.alerts = counters1(counterVec(r, "alerts_total", "What alerts were raised for.", "kind"))

	m.queueDepth = gauge(r, "queue_depth", "Events and runs that wait for their turn.")
	m.inFlight = gauge(r, "runs_in_flight", "Runs that are being worked on.")
	m.commitTime = histogram(r, "commit_seconds", "Time of a store commit.",
		[]float64{.0005, .001, .002, .004, .008, .016, .032, .064, .128, .256, .512, 1, 2, 4})
	m.commitBatch = histogram(r, "commit_batch", "Writes that shared a commit.",
		[]float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024})

	m.reloads = counterVec(r, "reload_total", "Reloads of the recipes that had something to do.", "result")
	m.reloads.WithLabelValues("ok")
	m.reloads.WithLabelValues("error")
	m.reloadOK = gauge(r, "reload_last_success", "1 where the newest reload was taken, 0 where it was refused and the last good program serves.")
	m.reloadTime = gauge(r, "reload_last_success_timestamp_seconds", "When a reload was taken last.")
	m.program = gaugeVec(r, "program_info", "The program that is served.", "digest")
	m.recipes = gauge(r, "recipes", "Recipes in the program that is served.")
	m.build = gaugeVec(r, "build_info", "The version of flowrun.", "version")

	m.storeBytes = gauge(r, "store_bytes", "Size of the store on disk.")
	m.storeEvents = gauge(r, "store_events", "Events in the store.")
	m.storeUndecided = gauge(r, "store_events_undecided", "Events in the store that no program has decided yet.")
	m.storeRuns = gaugeVec(r, "store_runs", "Runs in the store.", "status")

	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics; a nil *Metrics serves 404.
func (m *Metrics) Handler() http.Handler {
	if m == nil {
		return http.NotFoundHandler()
	}
	return m.handler
}

// EventAccepted counts an event that was committed for the first time.
func (m *Metrics) EventAccepted(connection, service string) {
	if m != nil {
		m.events.get([2]string{connection, service}).Inc()
	}
}

// EventDuplicate counts an event that was already stored.
func (m *Metrics) EventDuplicate(connection string) {
	if m != nil {
		m.duplicate.get(connection).Inc()
	}
}

// EventRefused counts a request that was refused. The reason is one of the Refused constants; another is counted as
// "other". The connection is empty where no connection has that name: names that strangers make up are no label values.
func (m *Metrics) EventRefused(connection, reason string) {
	if m != nil {
		m.refused.get([2]string{connection, refusedReason(reason)}).Inc()
	}
}

// EventDecided counts an event that a program has decided.
func (m *Metrics) EventDecided(matched bool) {
	switch {
	case m == nil:
	case matched:
		m.matched.Inc()
	default:
		m.unmatched.Inc()
	}
}

// RunEnded counts a run by the word of its final status.
func (m *Metrics) RunEnded(recipe, status string) {
	if m != nil {
		m.runs.get([2]string{recipe, status}).Inc()
	}
}

// StepEnded counts a step by the word of its final status, and the time it took.
func (m *Metrics) StepEnded(action, status string, d time.Duration) {
	if m != nil {
		m.steps.get([2]string{action, status}).Inc()
		m.stepTime.get(action).Observe(d.Seconds())
	}
}

// Attempt counts a call. The kind is that of its failure, empty where it succeeded.
func (m *Metrics) Attempt(action, kind string) {
	if m == nil {
		return
	}
	if kind == "" {
		kind = "ok"
	}
	m.attempts.get([2]string{action, kind}).Inc()
}

// RunQueued counts a run that can't start yet, by why.
func (m *Metrics) RunQueued(recipe, reason string) {
	if m != nil {
		m.queued.get([2]string{recipe, reason}).Inc()
	}
}

// RunSkipped counts a run that flow control dropped, by which.
func (m *Metrics) RunSkipped(recipe, reason string) {
	if m != nil {
		m.skips.get([2]string{recipe, reason}).Inc()
	}
}

// CallParked counts a call that was put off: "limit" or "breaker".
func (m *Metrics) CallParked(connection, reason string) {
	if m != nil {
		m.parked.get([2]string{connection, reason}).Inc()
	}
}

// Breaker sets where a connection's circuit breaker stands: 0 closed, 1 half-open, 2 open.
func (m *Metrics) Breaker(connection string, state int) {
	if m != nil {
		m.breaker.get(connection).Set(float64(state))
	}
}

// EventsMissing counts events that no webhook had brought; with n = 0 the series is there and stands at zero.
func (m *Metrics) EventsMissing(connection string, n int) {
	if m != nil {
		m.missing.get(connection).Add(float64(n))
	}
}

// Alert counts what an alert was raised for.
func (m *Metrics) Alert(kind string, n int) {
	if m != nil {
		m.alerts.get(kind).Add(float64(max(n, 1)))
	}
}

// QueueDepth sets how many events and runs wait.
func (m *Metrics) QueueDepth(n int) {
	if m != nil {
		m.queueDepth.Set(float64(n))
	}
}

// InFlight sets how many runs are being worked on.
func (m *Metrics) InFlight(n int) {
	if m != nil {
		m.inFlight.Set(float64(n))
	}
}

// Commit counts a store commit that n writes shared.
func (m *Metrics) Commit(n int, d time.Duration) {
	if m != nil {
		m.commitBatch.Observe(float64(n))
		m.commitTime.Observe(d.Seconds())
	}
}

// Reload counts a reload that was taken or refused.
func (m *Metrics) Reload(ok bool) {
	if m == nil {
		return
	}
	if !ok {
		m.reloads.WithLabelValues("error").Inc()
		m.reloadOK.Set(0)
		return
	}
	m.reloads.WithLabelValues("ok").Inc()
	m.reloadOK.Set(1)
	m.reloadTime.Set(float64(m.now().Unix()))
}

// ProgramInfo sets which program is served.
func (m *Metrics) ProgramInfo(digest string, recipes int) {
	if m == nil {
		return
	}
	m.programMu.Lock()
	defer m.programMu.Unlock()
	m.program.Reset()
	m.program.WithLabelValues(clean(digest)).Set(1)
	m.recipes.Set(float64(recipes))
}

// BuildInfo sets the version of the binary.
func (m *Metrics) BuildInfo(version string) {
	if m != nil {
		m.build.WithLabelValues(clean(version)).Set(1)
	}
}

// StoreSize sets what the store holds: bytes on disk, events, those of them that are undecided, and runs by the word of
// their status.
func (m *Metrics) StoreSize(bytes, events, undecided int64, runs map[string]int64) {
	if m == nil {
		return
	}
	m.storeBytes.Set(float64(bytes))
	m.storeEvents.Set(float64(events))
	m.storeUndecided.Set(float64(undecided))
	for status, n := range runs {
		m.storeRuns.WithLabelValues(clean(status)).Set(float64(n))
	}
}

// memo keeps what was made for a key, so that the hot path neither hashes label names nor allocates, and bounds how
// many keys there can be.
type memo[K comparable, V any] struct {
	mu       sync.RWMutex
	made     map[K]V
	newValue func(K) V
	overflow K
}

func newMemo[K comparable, V any](newValue func(K) V, overflow K) *memo[K, V] {
	return &memo[K, V]{made: map[K]V{}, newValue: newValue, overflow: overflow}
}

func (c *memo[K, V]) get(key K) V {
	c.mu.RLock()
	v, ok := c.made[key]
	c.mu.RUnlock()
	if ok {
		return v
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok = c.made[key]; ok {
		return v
	}
	if len(c.made) >= maxSeries {
		if v, ok = c.made[c.overflow]; ok {
			return v
		}
		key = c.overflow
	}
	v = c.newValue(key)
	c.made[key] = v
	return v
}

func counters1(v *prometheus.CounterVec) *memo[string, prometheus.Counter] {
	return newMemo(func(l string) prometheus.Counter { return v.WithLabelValues(clean(l)) }, other)
}

func counters2(v *prometheus.CounterVec) *memo[[2]string, prometheus.Counter] {
	return newMemo(func(l [2]string) prometheus.Counter { return v.WithLabelValues(clean(l[0]), clean(l[1])) },
		[2]string{other, other})
}

// clean makes any string a label value, which must be UTF-8: the client panics on others.
func clean(l string) string { return strings.ToValidUTF8(l, "\uFFFD") }

func counterVec(r prometheus.Registerer, name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "flowrun", Name: name, Help: help}, labels)
	r.MustRegister(v)
	return v
}

func gauge(r prometheus.Registerer, name, help string) prometheus.Gauge {
	v := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "flowrun", Name: name, Help: help})
	r.MustRegister(v)
	return v
}

func gaugeVec(r prometheus.Registerer, name, help string, labels ...string) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "flowrun", Name: name, Help: help}, labels)
	r.MustRegister(v)
	return v
}

func histogram(r prometheus.Registerer, name, help string, buckets []float64) prometheus.Histogram {
	v := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "flowrun", Name: name, Help: help, Buckets: buckets})
	r.MustRegister(v)
	return v
}

func histogramVec(r prometheus.Registerer, name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "flowrun", Name: name, Help: help, Buckets: buckets}, labels)
	r.MustRegister(v)
	return v
}
