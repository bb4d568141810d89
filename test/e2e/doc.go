// Package e2e tests the product as its users run it: the one binary, a process a
// service, on real Apache Kafka and a real ClickHouse. It plays the story of
// docs/story.md through the collector, kills what it can, and then holds all that
// Kafka and ClickHouse have against the events themselves, item by item.
//
// Its tests have the build tag e2e; scripts/e2e.sh starts Kafka and runs them.
//
//	ASSAY_E2E_KAFKA       the broker's address
//	ASSAY_E2E_KAFKA_RUN   the folder of scripts/kafka-up.sh, to kill the broker
//	ASSAY_E2E_KAFKA_PORT  and its port, to start it again
//	ASSAY_E2E_SEED        the seed of the kills; printed by each test that kills
//	ASSAY_E2E_SMALL       any value: play the small story, for a quick look
package e2e
