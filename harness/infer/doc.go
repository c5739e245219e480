// Package infer decides what samples say. It is pure: it knows numbers only.
package infer
