package connectors

import (
	"fmt"
	"slices"
	"sync"

	"github.com/flowrun/flowrun/lang/schema"
)

// Registry is an immutable set of services. It is the schema.Catalog that recipes are checked against and the place
// where the engine finds callers.
type Registry struct {
	specs    map[string]*Spec
	services map[string]*schema.Service
	triggers map[string]*schema.Trigger
	actions  map[string]*Action

	// Actions that are made when they are asked for.
	lazy map[string]*Spec
	mu   sync.Mutex
	made map[string]*Action

	serviceNames, triggerNames, actionNames []string
}

var _ schema.Catalog = (*Registry)(nil)

// NewRegistry returns a registry of the specs. Two services, triggers or actions of one name are an
// error. The specs belong to the registry from then on.
func NewRegistry(specs ...*Spec) (*Registry, error) {
	r := &Registry{
		specs:    map[string]*Spec{},
		services: map[string]*schema.Service{},
		triggers: map[string]*schema.Trigger{},
		actions:  map[string]*Action{},
		lazy:     map[string]*Spec{},
		made:     map[string]*Action{},
	}
	for _, s := range specs {
		if r.specs[s.Name] != nil {
			return nil, fmt.Errorf("service %q is registered twice", s.Name)
		}
		r.specs[s.Name] = s
		r.services[s.Name] = s.service()
		r.serviceNames = append(r.serviceNames, s.Name)
		for _, t := range s.Triggers {
			if r.triggers[t.Name] != nil {
				return nil, fmt.Errorf("trigger %q is registered twice", t.Name)
			}
			r.triggers[t.Name] = t
			r.triggerNames = append(r.triggerNames, t.Name)
		}
		for _, a := range s.Actions {
			if r.actions[a.Name] != nil {
				return nil, fmt.Errorf("action %q is registered twice", a.Name)
			}
			r.actions[a.Name] = a
			r.actionNames = append(r.actionNames, a.Name)
		}
		for _, name := range s.ActionNames {
			if r.actions[name] != nil || r.lazy[name] != nil {
				return nil, fmt.Errorf("action %q is registered twice", name)
			}
			r.lazy[name] = s
		}
		r.actionNames = append(r.actionNames, s.ActionNames...)
	}
	slices.Sort(r.serviceNames)
	slices.Sort(r.triggerNames)
	slices.Sort(r.actionNames)
	return r, nil
}

func (s *Spec) service() *schema.Service {
	fields := make([]schema.Field, len(s.Settings))
	env := map[string]string{}
	for i, st := range s.Settings {
		fields[i] = st.Field
		if st.Env != "" {
			env[st.Name] = st.Env
		}
	}
	out := &schema.Service{Name: s.Name, Doc: s.Doc, Settings: schema.NewObject(s.Name+" settings", fields...), Env: env}
	if s.Webhook != nil {
		out.SigningSetting = s.Webhook.SecretSetting
	}
	return out
}

// Spec returns the service's spec, or nil.
func (r *Registry) Spec(name string) *Spec { return r.specs[name] }

// Bind gives a connection what its service has it keep. It is called once, before the connection's first call.
func (r *Registry) Bind(c *Conn) {
	if s := r.specs[c.Service]; s != nil && s.Keep != nil {
		c.Kept = s.Keep(c)
	}
}

// Caller returns the action with its caller, or nil.
func (r *Registry) Caller(name string) *Action {
	if a := r.actions[name]; a != nil {
		return a
	}
	s := r.lazy[name]
	if s == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.made[name]
	if a == nil {
		a = s.Action(name)
		r.made[name] = a
	}
	return a
}

// Trigger implements schema.Catalog.
func (r *Registry) Trigger(name string) *schema.Trigger { return r.triggers[name] }

// Action implements schema.Catalog.
func (r *Registry) Action(name string) *schema.Action {
	if a := r.Caller(name); a != nil {
		return &a.Action
	}
	return nil
}

// Service implements schema.Catalog.
func (r *Registry) Service(name string) *schema.Service { return r.services[name] }

// TriggerNames implements schema.Catalog.
func (r *Registry) TriggerNames() []string { return r.triggerNames }

// ActionNames implements schema.Catalog.
func (r *Registry) ActionNames() []string { return r.actionNames }

// ServiceNames implements schema.Catalog.
func (r *Registry) ServiceNames() []string { return r.serviceNames }
