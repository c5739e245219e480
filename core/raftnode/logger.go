package raftnode

import (
	"go.etcd.io/raft/v3"
	"go.uber.org/zap"
)

// logger lends zap the names that the library expects.
type logger struct{ *zap.SugaredLogger }

var _ raft.Logger = logger{}

func newLogger(l *zap.Logger) raft.Logger {
	return logger{l.Named("raft").WithOptions(zap.AddCallerSkip(1)).Sugar()}
}

func (l logger) Warning(v ...any)                 { l.Warn(v...) }
func (l logger) Warningf(format string, v ...any) { l.Warnf(format, v...) }
