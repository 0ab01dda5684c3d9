package execution

// Memory is what an engine holds, in bytes. Executables, which belong to the backend, do not count.
type Memory struct {
	// Device is level 1: shared pages as they are stored and, where device memory is not the host's, tables
	// and scales of networks that were switched to.
	Device int `json:"device"`
	// Working is room in device memory: weights and state of the largest network, and inputs.
	Working int `json:"working"`
	// Host is level 2: exclusive pages, keys and states, and tables and scales. Of a mapped file the
	// system may take pages and keys back at any time.
	Host int `json:"host"`
}

// Memory says what the engine holds now. It does not wait for a run.
func (e *Engine) Memory() Memory {
	e.mu.Lock()
	defer e.mu.Unlock()
	var m Memory
	if e.isClosed() {
		return m
	}
	m.Device = int(e.shared.ByteSize())
	for _, d := range e.devices {
		if d != nil {
			m.Device += d.bytes()
		}
	}
	m.Working = e.slot.bytes(e)
	for _, n := range e.set.Networks {
		m.Host += len(n.Exclusive) + len(n.Keys) + 4*(len(n.State)+len(n.Table.Entries)+len(n.Scales))
	}
	return m
}
