// Package otlp reads the export requests of OpenTelemetry, traces and logs, and lays
// them out flat, one record a span or log record, with everything that could hold
// the text of prompts, answers and tools replaced by its digest.
//
// It is pure, and knows the protocol. What the attributes mean is for the mappings in
// schemas/sources/otlp; which of them may be kept as they are is in keep.go.
package otlp
