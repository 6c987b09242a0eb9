// Command stripegen writes the catalogue of Stripe's events and objects that connectors/stripe embeds.
//
// It reads the OpenAPI files that the module of stripe-mock carries, so that it needs no network. They are 15 MB and the
// module links all of it; that is why the generator is a module of its own and the product depends on neither.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/stripe/stripe-mock/embedded"
)

func main() {
	out := flag.String("o", "", "the `file` to write; empty for standard output")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "stripegen:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	text, err := generate()
	if err != nil {
		return err
	}
	if out == "" {
		_, err = os.Stdout.Write(text)
		return err
	}
	return os.WriteFile(out, text, 0o644)
}

func generate() ([]byte, error) {
	s, err := readSource(embedded.OpenAPISpec, embedded.BetaOpenAPISpec, embedded.OpenAPIFixtures)
	if err != nil {
		return nil, err
	}
	return writeCatalogue(s, embedded.OpenAPISpec)
}
