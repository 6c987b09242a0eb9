package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	goruntime "runtime"
	"runtime/debug"

	"github.com/flowrun/flowrun/connectors/stripe"
)

// version is set by the release build: -ldflags "-X main.version=1.2.3".
var version string

// build is what is known of this binary.
type build struct {
	Version          string `json:"version"`
	Commit           string `json:"commit,omitempty"`
	Go               string `json:"go"`
	Platform         string `json:"platform"`
	StripeAPIVersion string `json:"stripe_api_version"`
}

func thisBuild() build {
	b := build{
		Version:          version,
		Go:               goruntime.Version(),
		Platform:         goruntime.GOOS + "/" + goruntime.GOARCH,
		StripeAPIVersion: stripe.APIVersion,
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		if b.Version == "" && info.Main.Version != "(devel)" {
			b.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				b.Commit = s.Value[:12]
			}
		}
	}
	if b.Version == "" {
		b.Version = "devel"
	}
	return b
}

func versionCommand() *command {
	var asJSON bool
	return &command{
		name:    "version",
		short:   "print the version of flowrun and of what it speaks",
		example: "flowrun version -json",
		group:   groupLearn,
		flags:   func(f *flags) { f.BoolVar(&asJSON, "json", false, "print JSON") },
		run: func(_ context.Context, m *Main, _ []string) error {
			b := thisBuild()
			if asJSON {
				return printJSON(m.Stdout, b)
			}
			fmt.Fprintf(m.Stdout, "flowrun %s\n", b.Version)
			if b.Commit != "" {
				fmt.Fprintf(m.Stdout, "commit      %s\n", b.Commit)
			}
			fmt.Fprintf(m.Stdout, "go          %s\nplatform    %s\nstripe API  %s\n", b.Go, b.Platform, b.StripeAPIVersion)
			return nil
		},
	}
}

// printJSON writes v for programs: indented, a line feed at the end.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("printing JSON: %w", err)
	}
	return nil
}
