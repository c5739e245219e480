package report

import (
	"fmt"
	"strings"

	"metastorebench/harness/stats"
)

// compareMetric is a quantity that `metabench compare` knows by name.
type compareMetric struct {
	name, unit string
	of         func(op string) stats.Metric
	// perOp says that each operation type has its own.
	perOp bool
}

// compareMetrics are the metrics by name, in the order in which help lists them.
var compareMetrics = []compareMetric{
	{"throughput", "ops/s", stats.Throughput, true},
	{"p50", "ms, service time", serviceTime(50), true},
	{"p99", "ms, service time", serviceTime(99), true},
	{"response-p50", "ms, from the intended start", responseTime(50), true},
	{"response-p99", "ms, from the intended start", responseTime(99), true},
	{"store-cpu", "us/op", every(stats.StoreCPU), false},
	{"client-cpu", "us/op", every(stats.ClientCPU), false},
	{"allocs", "allocations/op", every(stats.Allocs), false},
	{"alloc-bytes", "bytes/op", every(stats.AllocBytes), false},
	{"fsyncs", "fsyncs/write", every(stats.FsyncsPerWrite), false},
	{"wal-bytes", "bytes/write", every(stats.WALBytesPerWrite), false},
	{"ops-per-proposal", "ops/proposal", every(stats.OpsPerProposal), false},
	{"peak-rss", "MB", every(stats.Scale(stats.PeakRSS, 1e-6)), false},
}

func serviceTime(p float64) func(op string) stats.Metric {
	return func(op string) stats.Metric { return stats.Scale(stats.ServicePercentile(op, p), 1e-6) }
}

func responseTime(p float64) func(op string) stats.Metric {
	return func(op string) stats.Metric { return stats.Scale(stats.ResponsePercentile(op, p), 1e-6) }
}

// every is a metric of all operation types together.
func every(m stats.Metric) func(string) stats.Metric {
	return func(string) stats.Metric { return m }
}

// CompareMetrics lists the names of the metrics that Compare accepts.
func CompareMetrics() []string {
	names := make([]string, len(compareMetrics))
	for i, m := range compareMetrics {
		names[i] = m.name
	}
	return names
}

// metricsNamed looks names up; ErrCompare names one that is unknown, and those
// that there are.
func metricsNamed(names []string) ([]compareMetric, error) {
	var found []compareMetric
	for _, name := range names {
		known := false
		for _, m := range compareMetrics {
			if m.name == name {
				found, known = append(found, m), true
			}
		}
		if !known {
			return nil, fmt.Errorf("%w: unknown metric %q; accepted: %s", ErrCompare, name, strings.Join(CompareMetrics(), ", "))
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: no metric given; accepted: %s", ErrCompare, strings.Join(CompareMetrics(), ", "))
	}
	return found, nil
}
