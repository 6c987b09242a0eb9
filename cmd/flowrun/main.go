// Command flowrun serves recipes: small programs in HCL that react to what happens at one service with calls to
// another.
package main

import (
	"context"
	"os"
	_ "time/tzdata" // time zones that recipes name must be there on every machine
)

func main() {
	m := &Main{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.LookupEnv, Args: os.Args[1:]}
	os.Exit(m.Run(context.Background()))
}
