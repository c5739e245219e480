package plan

import (
	"errors"
	"fmt"
	"strconv"

	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// written is the workload as the plan's text means it on its own: where a cell's
// axis decides how operations are sent, batch_ops only says how large batches
// would be.
func (p *Plan) written(w record.Workload) record.Workload {
	if p.hasBaseline(AxisAPI) {
		return effective(w, nil)
	}
	return w
}

// effective is the workload as it is in a cell with these options. One over HTTP
// stays there, and so do ranges, which have no batches. There are no more
// connections than clients, each of which has one operation under way at a time.
func effective(w record.Workload, options map[string]string) record.Workload {
	if conns, err := strconv.Atoi(options[AxisConns]); err == nil {
		w.Conns = min(conns, w.Clients)
	}
	if client := options[AxisClient]; client != "" && w.API != workload.APIHTTP {
		w.Client = client
	}
	switch api := options[AxisAPI]; {
	case api == apiBatch && onlyRanges(w) && w.API != workload.APIHTTP, api == "" && onlyRanges(w) && w.API == workload.APIBatch:
		w.API = workload.APIGRPC
	case api == apiBatch && w.API != workload.APIHTTP:
		w.API = workload.APIBatch
	case api == apiStream && w.API != workload.APIHTTP:
		w.API = workload.APIStream
	case api == apiUnary && w.API != workload.APIHTTP:
		w.API = workload.APIGRPC
	}
	if w.API != workload.APIBatch {
		w.BatchOps = 0
	}
	if w.API == workload.APIBatch || w.API == workload.APIStream {
		w.Client = record.ClientGRPC // no other has them
	}
	return w
}

// onlyRanges reports whether ranges are all that the workload does.
func onlyRanges(w record.Workload) bool {
	return len(w.Mix) == 1 && w.Mix[record.OpRange] > 0
}

// checkEntry says what is wrong with an entry's connections and way to send
// operations, or "".
func checkEntry(e Entry) string {
	if conns, given := e.Cell.Options[AxisConns]; given {
		if _, err := strconv.Atoi(conns); err != nil {
			return fmt.Sprintf("axis %s is %q; accepted: a whole number of connections", AxisConns, conns)
		}
	}
	if api := e.Cell.Options[AxisAPI]; e.Workload.API == workload.APIHTTP && (api == apiStream || api == apiBatch && !onlyRanges(e.Workload)) {
		return fmt.Sprintf("workload %s goes over http, and axis api asks for %s; accepted: api grpc, batch or stream", e.Workload.Name, api)
	}
	if err := errors.Join(workload.Validate(e.Workload)...); err != nil {
		return err.Error()
	}
	return ""
}
