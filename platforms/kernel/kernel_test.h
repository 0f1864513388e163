// What tests on the kernel beneath share: a main() that runs them isolated and lets their program
// be started as an agent, and the system that they ask for.
#ifndef IPCSPEC_PLATFORMS_KERNEL_KERNEL_TEST_H_
#define IPCSPEC_PLATFORMS_KERNEL_KERNEL_TEST_H_

#include <memory>

#include "platforms/kernel/kernel_system.h"
#include "platforms/kernel/probe.h"

namespace ipcspec {

// What this run can do here.
const ProbedMachine& TestedMachine();

// A system of its own; null, and the test has failed, if there is none.
std::unique_ptr<KernelSystem> NewKernelSystem();

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_KERNEL_TEST_H_
