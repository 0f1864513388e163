// Sets the system up that a command runs on: the kernel beneath, in fresh namespaces, or the
// reference.
#ifndef IPCSPEC_CLI_UNDER_TEST_H_
#define IPCSPEC_CLI_UNDER_TEST_H_

#include <functional>

#include "cli/commands.h"
#include "report/results.h"

namespace ipcspec {

// Runs `body` with MachineUnderTest() set, in a process of its own when it is the kernel; returns
// its exit status. Nothing that the run made is left when it returns.
int WithSystem(const Options& options, const std::function<int(const PlatformFacts&)>& body);

// Says on stderr that a signal ended a run, if one did: its status is 128 and the signal.
void SayHowItEnded(int status);

}  // namespace ipcspec

#endif  // IPCSPEC_CLI_UNDER_TEST_H_
