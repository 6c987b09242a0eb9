package control

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/runtimetest"
)

// programs keeps three programs; the middle one changes another file.
func keepPrograms(t *testing.T, s runtime.Store, age time.Duration) {
	t.Helper()
	const file = "billing/dunning.hcl"
	for i, files := range []map[string]string{{file: "one\n"}, {file: "one\n", "b.hcl": "b"}, {file: "two\n"}, {"b.hcl": "b"}, {file: "one\n", "b.hcl": "c"}, {file: "two\n", "b.hcl": "c"}} {
		p := &runtime.Program{Digest: fmt.Sprint("p", i), At: now.Add(-age + time.Duration(i)*time.Minute), Files: map[string][]byte{}}
		for name, text := range files {
			p.Files[name] = []byte(text)
		}
		if err := s.KeepProgram(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRecipe(t *testing.T) {
	inStores(t, func(t *testing.T, s runtime.Store) {
		keepPrograms(t, s, time.Hour)
		var runs []*runtime.Run
		for i := range 40 { // 1 to 40 seconds
			runs = append(runs, runAt(fmt.Sprint("run_", i), "billing/dunning", runtime.RunCompleted, time.Hour-time.Duration(i)*time.Second, time.Duration(i+1)*time.Second))
		}
		runs[39].EndedAt, runs[39].Waited = runs[39].EndedAt.Add(time.Hour), time.Hour
		for _, status := range []runtime.RunStatus{runtime.RunFailed, runtime.RunFiltered, runtime.RunCanceled, runtime.RunSkipped, runtime.RunRunning} {
			runs = append(runs, runAt("run_"+status.String(), "billing/dunning", status, 10*time.Minute, 0))
		}
		keep(t, s, append(runs, runAt("run_other", "b", runtime.RunFailed, time.Minute, 0))...)
		d := answerOf[RecipeDetail](t, viewsOf(s), "GET", "/api/v1/recipes/billing/dunning", "")
		want := RecipeStats{Recipe: "billing/dunning", Runs: 45, Since: now.Add(-time.Hour).UTC(), LastAt: now.Add(-10 * time.Minute).UTC(), Completed: 40,
			Failed: 1, Filtered: 1, Canceled: 1, Skipped: 1, P50MS: 20_000, P95MS: 38_000, Served: now.Add(-time.Hour).UTC()}
		if diff := cmp.Diff(want, d.Stats); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if len(d.LastRuns) != lastRuns || d.LastRuns[0].ID != "run_running" {
			t.Errorf("%d last runs, the first %+v", len(d.LastRuns), d.LastRuns[0])
		}
		if d.Description == "" || d.Source != "two\n" || len(d.Reads) != 1 {
			t.Errorf("%+v", d)
		}
		at := func(i int) time.Time { return now.Add(-time.Hour + time.Duration(i)*time.Minute).UTC() }
		versions := []RecipeVersion{{"p5", at(5), "two\n", true}, {"p4", at(4), "one\n", false}, {"p2", at(2), "two\n", false}, {"p0", at(0), "one\n", false}}
		if diff := cmp.Diff(versions, d.Versions); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		list := answerOf[RecipeStatsList](t, viewsOf(s), "GET", "/api/v1/recipe-stats", "")
		if diff := cmp.Diff([]RecipeStats{want}, list.Recipes); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestDeadRecipes(t *testing.T) {
	for name, tt := range map[string]struct {
		served, ran time.Duration // how long ago; 0 for never
		dead        bool
	}{
		"never ran and is old": {served: 31 * 24 * time.Hour, dead: true},
		"never ran and is new": {served: 29 * 24 * time.Hour},
		"ran long ago":         {served: 90 * 24 * time.Hour, ran: 31 * 24 * time.Hour, dead: true},
		"ran":                  {served: 90 * 24 * time.Hour, ran: 29 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			inStores(t, func(t *testing.T, s runtime.Store) {
				keepPrograms(t, s, tt.served)
				if tt.ran > 0 {
					keep(t, s, runAt("run_1", "billing/dunning", runtime.RunCompleted, tt.ran, time.Second))
				}
				d := answerOf[RecipeDetail](t, viewsOf(s), "GET", "/api/v1/recipes/billing/dunning", "")
				if d.Stats.Dead != tt.dead {
					t.Errorf("dead: %v", d.Stats.Dead)
				}
			})
		})
	}
}

// The figures of all recipes are kept for a moment.
func TestRecipeStatsAreKept(t *testing.T) {
	store, clock := records(t), runtimetest.NewClock(now)
	cfg := config(store)
	cfg.Clock = clock
	h := New(cfg)
	for _, tt := range []struct {
		later time.Duration
		asked int
	}{{0, 1}, {statsKept - 1, 1}, {1, 2}} {
		clock.Advance(tt.later)
		answerOf[RecipeStatsList](t, h, "GET", "/api/v1/recipe-stats", "")
		if len(store.asked) != tt.asked {
			t.Errorf("the store was asked %d times, want %d", len(store.asked), tt.asked)
		}
	}
}

// A recipe that was refused is shown as it is on disk.
func TestDraft(t *testing.T) {
	d := answerOf[RecipeDetail](t, viewsOf(records(t)), "GET", "/api/v1/recipes/billing/new", "")
	if d.Draft == nil || d.Draft.Source != "trigger {" || d.Enabled || d.Stats.Runs != 0 || len(d.Versions) != 0 {
		t.Errorf("%+v", d)
	}
}

func TestConnections(t *testing.T) {
	s := records(t)
	list := answerOf[ConnectionList](t, viewsOf(s), "GET", "/api/v1/connections", "")
	if len(list.Connections) != 1 {
		t.Fatalf("%+v", list)
	}
	c := list.Connections[0]
	if c.Name != "stripe" || c.Door != "/webhooks/stripe" || c.Title != "Stripe" || c.Limits[0].Rate != 0.5 || c.LastEvent != "evt_5" ||
		len(c.Missing) != 1 || c.Breaker != nil || c.Callers == nil {
		t.Errorf("%+v", c)
	}
	bare := answerOf[ConnectionList](t, New(Config{Store: s, Engine: broken{}, Clock: runtimetest.NewClock(now)}), "GET", "/api/v1/connections", "")
	if b := bare.Connections[0].Breaker; b == nil || b.Reason != "no answer" {
		t.Errorf("%+v", bare)
	}
}

// broken is a machine that holds the calls of a connection back.
type broken struct{ machine }

func (broken) Status() EngineStatus {
	return EngineStatus{Breakers: []Breaker{{Connection: "other"}, {Connection: "stripe", State: "open", Reason: "no answer"}}}
}

func TestWorkshop(t *testing.T) {
	h, bare := viewsOf(records(t)), New(config(records(t)))
	for _, tt := range []struct {
		h                  http.Handler
		method, path, body string
		status             int
		want               string
	}{
		{h, "GET", "/api/v1/events/evt_1", ``, 200, `"reads":[{"path":"data.object.customer","recipes":["billing/dunning"]}]`},
		{h, "POST", "/api/v1/events/evt_1/fixture", `{}`, 200, `"replaced":["email"]`},
		{h, "POST", "/api/v1/events/evt_1/fixture", `{"keep":["name"]}`, 409, `"name is not replaced"`},
		{h, "POST", "/api/v1/events/nope/fixture", `{}`, 404, `nope`},
		{bare, "POST", "/api/v1/events/evt_1/fixture", `{}`, 404, `can't do that`},
		{h, "POST", "/api/v1/events/evt_2/try", `{"recipe":"a","source":"x"}`, 200, `"evt_2 with 1 runs, x"`},
		{h, "POST", "/api/v1/events/evt_2/try", `{"recipe":"a"}`, 400, `source`},
		{h, "POST", "/api/v1/events/nope/try", `{"recipe":"a","source":"x"}`, 404, `nope`},
		{h, "GET", "/api/v1/recipes/nope", ``, 404, `nope`},
		{h, "GET", "/api/v1/recipes/billing/dunning?program=p2", ``, 200, `"source":"two\n"`},
		{h, "GET", "/api/v1/recipes/billing/dunning?program=p9", ``, 404, `no recipe`},
		{bare, "GET", "/api/v1/recipes/billing/dunning", ``, 200, `"name":"billing/dunning"`},
		{bare, "GET", "/api/v1/recipes/billing/dunning?program=p2", ``, 404, `no recipe`},
		{h, "GET", "/api/v1/recipes/billing%2Fdunning", ``, 200, `"name":"billing/dunning"`},
		{h, "GET", "/api/v1/recipes/billing/dunning?x=1", ``, 400, `x`},
		{h, "GET", "/api/v1/failures?since=soon", ``, 400, `soon`},
		{h, "GET", "/api/v1/failures?status=failed", ``, 400, `status`},
		{h, "GET", "/api/v1/waiting?limit=0", ``, 400, `limit`},
		{h, "GET", "/api/v1/catalog?kind=service", ``, 400, `trigger or action`},
		{h, "GET", "/api/v1/catalog", ``, 200, `"entries":[{"kind":"action"`},
		{h, "GET", "/api/v1/catalog?q=charge_failed", ``, 200, `"entries":[{"kind":"trigger","name":"stripe_charge_failed","service":"stripe","offered":false},{"kind":"action"`},
		{h, "GET", "/api/v1/catalog?q=Charge&service=stripe&kind=action", ``, 200, `"entries":[]`},
		{h, "GET", "/api/v1/catalog/stripe_charge_failed", ``, 200, `"name":"stripe_charge_failed"`},
		{h, "GET", "/api/v1/catalog/stripe_charge_failed?path=nowhere", ``, 404, `nowhere`},
		{h, "GET", "/api/v1/catalog/nope", ``, 404, `nope`},
		{h, "GET", "/api/v1/catalog/pair?trigger=stripe_charge_failed&action=customerio_track", ``, 200, `"recipe":"trigger {}`},
		{h, "GET", "/api/v1/catalog/pair?trigger=stripe_charge_failed&action=nope", ``, 409, `there is no action`},
		{h, "GET", "/api/v1/catalog/pair?trigger=stripe_charge_failed", ``, 400, `action`},
		{bare, "GET", "/api/v1/catalog", ``, 404, `no catalogue`},
	} {
		w := ask(tt.h, tt.method, tt.path, tt.body)
		if answer := compact(t, w.Body.Bytes()); w.Code != tt.status || !strings.Contains(answer, tt.want) {
			t.Errorf("%s %s %s: %d %s, want %d and %s", tt.method, tt.path, tt.body, w.Code, answer, tt.status, tt.want)
		}
	}
}
