// Command stripegen writes the catalogues of Stripe's events, objects and operations that connectors/stripe embeds.
//
// It reads the OpenAPI files that the module of stripe-mock carries, so that it needs no network. They are 15 MB and the
// module links all of it; that is why the generator is a module of its own and the product depends on neither.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stripe/stripe-mock/embedded"
)

func main() {
	out := flag.String("o", ".", "the `folder` to write to")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "stripegen:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	files, err := generate()
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the files by their names.
func generate() (map[string][]byte, error) {
	s, err := readSource(embedded.OpenAPISpec, embedded.BetaOpenAPISpec, embedded.OpenAPIFixtures)
	if err != nil {
		return nil, err
	}
	objects, operations, err := writeCatalogue(s, embedded.OpenAPISpec)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"catalog.txt": objects, "operations.txt": operations}, nil
}
