package all_test

import (
	"testing"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/connectors/connectortest"
)

func TestContract(t *testing.T) {
	for _, spec := range all.Specs() {
		t.Run(spec.Name, func(t *testing.T) { connectortest.Contract(t, spec) })
	}
}

func TestRegistryHoldsAll(t *testing.T) {
	if _, err := connectors.NewRegistry(all.Specs()...); err != nil {
		t.Fatalf("registering all services: %v", err)
	}
	r := all.Registry()
	for _, spec := range all.Specs() {
		if r.Spec(spec.Name) == nil {
			t.Errorf("service %s is missing", spec.Name)
		}
		for _, a := range spec.Actions {
			if r.Caller(a.Name) == nil {
				t.Errorf("action %s is missing", a.Name)
			}
		}
		for _, tr := range spec.Triggers {
			if r.Trigger(tr.Name) == nil {
				t.Errorf("trigger %s is missing", tr.Name)
			}
		}
	}
}
