// Package telemetry is what flowrun tells its operators: metrics in Prometheus' format, and logs from which secrets and
// personal data are taken out before they are written.
//
// It knows nothing of events, runs or stores beyond their names and numbers, so that every part of the machine can
// report to it.
package telemetry
