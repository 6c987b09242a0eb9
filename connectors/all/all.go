// Package all lists the services that this build of flowrun knows. It is the only place that names them together: a new
// service is a folder beside this one and one line below.
package all

import (
	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/customerio"
	"github.com/flowrun/flowrun/connectors/email"
	"github.com/flowrun/flowrun/connectors/flowrun"
	"github.com/flowrun/flowrun/connectors/http"
	"github.com/flowrun/flowrun/connectors/picsio"
	"github.com/flowrun/flowrun/connectors/schedule"
	"github.com/flowrun/flowrun/connectors/slack"
	"github.com/flowrun/flowrun/connectors/stripe"
	"github.com/flowrun/flowrun/connectors/webhook"
)

// Specs returns a description of each service, made anew: the caller owns it.
func Specs() []*connectors.Spec {
	return []*connectors.Spec{
		customerio.Spec(),
		email.Spec(),
		flowrun.Spec(),
		http.Spec(),
		picsio.Spec(),
		schedule.Spec(),
		slack.Spec(),
		stripe.Spec(),
		webhook.Spec(),
	}
}

// Registry returns the services as a registry. Names can't clash: the list is fixed and a test registers it.
func Registry() *connectors.Registry {
	r, _ := connectors.NewRegistry(Specs()...)
	return r
}
