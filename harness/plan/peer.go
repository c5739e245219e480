package plan

import (
	"fmt"

	"metastorebench/harness/workload"
)

// checkPeer says what of an entry a peer cannot do, or "": its answers would be
// compared with those of a store that was asked for more.
func checkPeer(e Entry) string {
	if e.Cell.Target != TargetEtcd {
		return ""
	}
	if disk := e.Cell.Options[AxisDisk]; disk != "" && disk != diskNative {
		return fmt.Sprintf("disk is %s, and target %s cannot add a delay to its syncs; accepted: %s", disk, TargetEtcd, diskNative)
	}
	if api := e.Workload.API; api != workload.APIGRPC && api != workload.APIHTTP {
		return fmt.Sprintf("workload %s goes over %s, a service of our store's; accepted for target %s: %s, %s", e.Workload.Name, api, TargetEtcd, workload.APIGRPC, workload.APIHTTP)
	}
	return ""
}
