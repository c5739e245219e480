package record

// Peer is the build of a store that is not ours, as its executable tells it.
type Peer struct {
	Target    string `json:"target"`     // the cells' target, e.g. "etcd"
	Version   string `json:"version"`    // of its server's module, e.g. "v3.7.3"
	GoVersion string `json:"go_version"` // of the compiler
	SHA256    string `json:"sha256"`     // of the executable, in hexadecimal
	// Modules are the versions of the libraries that shape its speed, by path.
	Modules map[string]string `json:"modules"`
}
