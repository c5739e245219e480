module metastorebench/core/wal/walbench

go 1.26.0

require metastorebench v0.0.0

replace metastorebench => ../../..
