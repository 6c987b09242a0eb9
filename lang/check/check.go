// Package check turns parsed recipes into graphs that can be run, or says why it can't.
package check
