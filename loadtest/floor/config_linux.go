package floor

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

func (c Config) withDefaults() (Config, error) {
	if c.Threads == 0 {
		c.Threads = min(2, runtime.NumCPU())
	}
	if c.Processes == 0 {
		n, err := processesFor(c.Conns)
		if err != nil {
			return c, err
		}
		c.Processes = n
	}
	if len(c.Command) == 0 {
		self, err := os.Executable()
		if err != nil {
			return c, err
		}
		c.Command = []string{self, "floor-server"}
	}
	var problems []error
	if c.Threads < 1 || c.Threads > maxThreads {
		problems = append(problems, fmt.Errorf("the floor's threads must be 1 to %d", maxThreads))
	}
	if c.Processes < 1 || c.Processes > maxProcesses {
		problems = append(problems, fmt.Errorf("the floor's processes must be 1 to %d", maxProcesses))
	}
	return c, errors.Join(problems...)
}
