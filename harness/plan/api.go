package plan

import (
	"errors"
	"fmt"

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
// stays there, and so do ranges, which have no batches.
func effective(w record.Workload, options map[string]string) record.Workload {
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
	return w
}

// onlyRanges reports whether ranges are all that the workload does.
func onlyRanges(w record.Workload) bool {
	return len(w.Mix) == 1 && w.Mix[record.OpRange] > 0
}

// checkAPI says what is wrong with an entry's way to send operations, or "".
func checkAPI(e Entry) string {
	if api := e.Cell.Options[AxisAPI]; e.Workload.API == workload.APIHTTP && (api == apiStream || api == apiBatch && !onlyRanges(e.Workload)) {
		return fmt.Sprintf("workload %s goes over http, and axis api asks for %s; accepted: api grpc, batch or stream", e.Workload.Name, api)
	}
	if err := errors.Join(workload.Validate(e.Workload)...); err != nil {
		return err.Error()
	}
	return ""
}
