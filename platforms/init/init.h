// What the ipcspec binary does when it is the first process of a machine.
//
// The idea: a kernel and one file make a platform. Packed as /init of an initramfs, the binary
// mounts what programs expect, runs its own main function in a child, reports how that ended on
// the second serial port (`{"exit": N}`, one line), and powers the machine off. The console (first
// serial port) gets the child's output; the child writes its results to kResultsPath itself.
//
// Arguments come from the kernel's command line after "--" or, where there are none, from the file
// /job, one argument a line. That line and that file are all that a host needs to say.
//
// Never returns control to the kernel by exiting: the end of PID 1 is a panic, and a panic is a
// result of the kernel's, not ours.
#ifndef IPCSPEC_PLATFORMS_INIT_INIT_H_
#define IPCSPEC_PLATFORMS_INIT_INIT_H_

#include <functional>

namespace ipcspec {

// Where results go inside a virtual machine.
inline constexpr char kResultsPath[] = "/dev/ttyS1";

// True iff this process is the kernel's first and was started as /init.
bool IsInit(const char* argv0);

// Runs `main_fn` as described above with the machine's arguments (argv[0] is "/init"). Does not
// return. REQUIRES: IsInit(argv[0]).
[[noreturn]] void RunAsInit(int argc, char** argv, const std::function<int(int, char**)>& main_fn);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_INIT_INIT_H_
