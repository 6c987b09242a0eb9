package endpoints

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/connectors"
)

// Op is what a change does. The zero Op is invalid.
type Op uint8

const (
	_ Op = iota
	Create
	Update
	Delete
)

// String returns the word used in JSON and on the command line.
func (o Op) String() string {
	return [...]string{"invalid", "create", "update", "delete"}[min(o, Delete)]
}

// Change is one change of an endpoint.
type Change struct {
	Op       Op
	Endpoint connectors.Endpoint // as it will be; of a deletion, as it is
	Why      string              // a few words
}

// Plan is what makes the endpoint of one connection right, in the order in which it is done: nothing is deleted before
// what takes its place is there.
type Plan struct {
	Want    Want
	Now     *connectors.Endpoint // the one that serves; nil where there is none
	Retired *connectors.Endpoint // the one before it, whose secret is still taken
	Changes []Change
	Notes   []string // sentences: what somebody should know, though nothing is done about it
}

// Make compares what is wanted with what is there. It fails where the vendor's cap leaves no room.
func Make(api *connectors.Endpoints, want Want, have []connectors.Endpoint) (*Plan, error) {
	p := &Plan{Want: want}
	var ours []connectors.Endpoint
	for _, e := range have {
		switch {
		case e.Connection == "":
			if e.URL == want.URL && !e.Disabled {
				p.Notes = append(p.Notes, fmt.Sprintf("endpoint %s, which flowrun did not create, sends to the same URL: each event comes twice, and counts once", e.ID))
			}
		case e.Connection == want.Connection && e.Instance == want.Instance:
			if e.Retired {
				p.Retired = &e
				continue
			}
			ours = append(ours, e)
		}
	}
	if len(want.Events) == 0 {
		for _, e := range ours {
			p.Changes = append(p.Changes, Change{Delete, e, "no recipe listens any more"})
		}
		if p.Retired != nil {
			p.Changes = append(p.Changes, Change{Delete, *p.Retired, "no recipe listens any more"})
		}
		return p, nil
	}
	right := connectors.Endpoint{URL: want.URL, Events: want.Events, APIVersion: api.APIVersion, Connect: want.Connect,
		Instance: want.Instance, Connection: want.Connection}
	keep := slices.IndexFunc(ours, func(e connectors.Endpoint) bool { return e.APIVersion == api.APIVersion && e.Connect == want.Connect })
	if keep < 0 {
		if err := room(api, have); err != nil {
			return nil, err
		}
		why := "there is none"
		if len(ours) > 0 {
			p.Now = &ours[0]
			why = "in the place of " + ours[0].ID + ", whose " + unchangeable(api, want, ours[0]) + " can't be changed"
		}
		p.Changes = append(p.Changes, Change{Create, right, why})
	} else {
		p.Now = &ours[keep]
		right.ID = p.Now.ID
		if why := differs(*p.Now, right); why != "" {
			p.Changes = append(p.Changes, Change{Update, right, why})
		}
	}
	if old := p.Retired; old != nil {
		// Until its secret is dropped it stands in for the other, so that it must send the same.
		same := *old
		same.URL, same.Events, same.Disabled = right.URL, right.Events, false
		if why := differs(*old, same); why != "" {
			p.Changes = append(p.Changes, Change{Update, same, why})
		}
		p.Notes = append(p.Notes, fmt.Sprintf("endpoint %s is retired: take its secret away, then \"flowrun webhooks rotate -finish\"", old.ID))
	}
	for i, e := range ours {
		if i != keep {
			p.Changes = append(p.Changes, Change{Delete, e, "another takes its place"})
		}
	}
	return p, nil
}

func unchangeable(api *connectors.Endpoints, want Want, e connectors.Endpoint) string {
	if e.APIVersion != api.APIVersion {
		return "API version " + e.APIVersion
	}
	if want.Connect {
		return "being for the account's own events"
	}
	return "being for connected accounts"
}

// room fails where the account can't have one more.
func room(api *connectors.Endpoints, have []connectors.Endpoint) error {
	if api.Most == 0 || len(have) < api.Most {
		return nil
	}
	var disabled []string
	for _, e := range have {
		if e.Disabled {
			disabled = append(disabled, e.ID)
		}
	}
	hint := "delete one that isn't needed"
	if len(disabled) > 0 {
		hint += ", such as these, which are disabled: " + strings.Join(disabled, ", ")
	}
	return fmt.Errorf("the account has %d endpoints, the most that there can be, so that none can be created: %s", len(have), hint)
}

// differs says in a few words in what an endpoint is not as it should be; "" where it is.
func differs(is, should connectors.Endpoint) string {
	var why []string
	if is.URL != should.URL {
		why = append(why, "URL "+is.URL)
	}
	if is.Disabled != should.Disabled {
		why = append(why, "disabled")
	}
	if is.Retired != should.Retired {
		why = append(why, "retired")
	}
	if more, fewer := without(should.Events, is.Events), without(is.Events, should.Events); len(more)+len(fewer) > 0 {
		for _, t := range more {
			why = append(why, "+"+t)
		}
		for _, t := range fewer {
			why = append(why, "-"+t)
		}
	}
	return strings.Join(why, ", ")
}

func without(list, taken []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(taken, s) {
			out = append(out, s)
		}
	}
	return out
}

// MakeRotation plans a second endpoint beside the one that serves, so that its secret is a new one; the first is retired
// and sends on. Where there is a retired one already it fails: two secrets are enough.
func MakeRotation(api *connectors.Endpoints, want Want, have []connectors.Endpoint) (*Plan, error) {
	p, err := Make(api, want, have)
	switch {
	case err != nil:
		return nil, err
	case api.Secretless:
		return nil, fmt.Errorf("the vendor tells no signing key: roll it %s", api.SecretAt)
	case p.Retired != nil:
		return nil, fmt.Errorf("endpoint %s is retired already: finish that rotation first, with -finish", p.Retired.ID)
	case p.Now == nil || len(p.Changes) > 0:
		return nil, fmt.Errorf("the endpoint of %s is not as it should be: run \"flowrun webhooks apply\" first", want.Connection)
	}
	if err := room(api, have); err != nil {
		return nil, err
	}
	fresh, old := *p.Now, *p.Now
	fresh.ID, old.Retired = "", true
	// The old one is marked first: where the process ends in between, the next plan creates what is missing.
	p.Changes = []Change{{Update, old, "it sends on until the rotation is finished"}, {Create, fresh, "for a new secret"}}
	return p, nil
}

// MakeFinish plans the end of a rotation.
func MakeFinish(api *connectors.Endpoints, want Want, have []connectors.Endpoint) (*Plan, error) {
	p, err := Make(api, want, have)
	switch {
	case err != nil:
		return nil, err
	case p.Retired == nil:
		return nil, fmt.Errorf("no endpoint of %s is retired: there is no rotation to finish", want.Connection)
	case p.Now == nil:
		return nil, fmt.Errorf("the endpoint that should take the place of %s is not there: run \"flowrun webhooks apply\" first", p.Retired.ID)
	}
	p.Notes = nil
	p.Changes = []Change{{Delete, *p.Retired, "the rotation is finished"}}
	return p, nil
}

// Apply makes the changes in their order, and calls done for each with what the vendor answered; an error of done, as of
// a secret that could not be kept, ends it before anything else is changed.
func Apply(ctx context.Context, api *connectors.Endpoints, c *connectors.Conn, p *Plan, done func(Change, connectors.Endpoint) error) error {
	for _, ch := range p.Changes {
		var err error
		made := ch.Endpoint
		switch ch.Op {
		case Create:
			made, err = api.Create(ctx, c, ch.Endpoint)
		case Update:
			made, err = api.Update(ctx, c, ch.Endpoint)
		case Delete:
			err = api.Delete(ctx, c, ch.Endpoint.ID)
		}
		if err != nil {
			return fmt.Errorf("%s endpoint %s of %s: %w", strings.TrimSuffix(ch.Op.String(), "e")+"ing", ch.Endpoint.ID, p.Want.Connection, err)
		}
		if ch.Op == Create && made.Secret == "" && !api.Secretless {
			err = fmt.Errorf("the vendor told no secret of endpoint %s", made.ID)
		} else {
			err = done(ch, made)
		}
		if err != nil {
			if ch.Op == Create {
				// An endpoint whose secret nobody knows would only be in the way.
				err = withCleanup(ctx, api, c, made.ID, err)
			}
			return err
		}
	}
	return nil
}

func withCleanup(ctx context.Context, api *connectors.Endpoints, c *connectors.Conn, id string, err error) error {
	if e := api.Delete(context.WithoutCancel(ctx), c, id); e != nil {
		return fmt.Errorf("%w; and endpoint %s, whose secret is lost, could not be deleted: %w", err, id, e)
	}
	return err
}
